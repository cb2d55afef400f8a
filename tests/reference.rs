//! `docs/reference.md` is made from the program's own tables and must not lag.

#[test]
fn the_reference_page_is_what_the_program_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference.md");
    let page = chainkeeper::reference::page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &page).expect("docs/reference.md");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == page, "docs/reference.md lags: run `make docs`");
}
