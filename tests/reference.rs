//! The pages made from the program's own tables must not lag.

fn is_up_to_date(file: &str, page: &str) {
    let path = format!("{}/docs/{file}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page).expect("docs can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == page, "docs/{file} lags: run `make docs`");
}

#[test]
fn the_reference_page_is_what_the_program_says() {
    is_up_to_date("reference.md", &chainkeeper::reference::page());
}

#[test]
fn the_page_of_metrics_is_what_is_served() {
    is_up_to_date("metrics.md", &chainkeeper::metrics::documented());
}
