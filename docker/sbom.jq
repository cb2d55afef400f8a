# A CycloneDX 1.5 document from `cargo metadata`. $crates: what `cargo tree` says is built in, one
# `NAME VERSION` a line (metadata alone joins the features of the whole workspace); $debian: a packages.lock,
# or nothing; $image, $version, $created: of the image.
def lines($text): $text | split("\n") | map(select(. != ""));
(lines($crates) | map({key: ., value: true}) | from_entries) as $built
| [.packages[] | select($built["\(.name) \(.version)"]) | {
    type: "library",
    "bom-ref": "pkg:cargo/\(.name)@\(.version)",
    name, version,
    purl: "pkg:cargo/\(.name)@\(.version)",
    licenses: [{expression: (.license // "NOASSERTION" | gsub("/"; " OR "))}]
  }] as $rust
| [lines($debian)[] | split(" ") | {
    type: "library",
    "bom-ref": "pkg:deb/debian/\(.[0])@\(.[1])",
    name: .[0], version: .[1],
    purl: "pkg:deb/debian/\(.[0])@\(.[1] | @uri)?arch=\($arch)",
    hashes: [{alg: "SHA-256", content: .[2]}]
  }] as $deb
| {
    bomFormat: "CycloneDX", specVersion: "1.5", version: 1,
    metadata: {timestamp: $created, component: {type: "container", name: $image, version: $version}},
    components: ($rust + $deb | sort_by(.purl))
  }
