//! A check of pages: that a document of HTML is well formed, names nothing twice and nothing that is not there, loads nothing, and has tables
//! with captions and scopes. It reads the subset that the templates write: quoted attributes, and an end tag for every element that is not
//! void (HTML Living Standard, section 13.1.2).

use std::collections::BTreeSet;

/// Elements without content and without an end tag.
const VOID: [&str; 6] = ["br", "hr", "img", "input", "link", "meta"];
/// Attributes whose value is loaded or gone to.
const LEADING: [&str; 7] = ["action", "data", "formaction", "href", "poster", "src", "srcset"];

/// An element, or a text.
#[derive(Debug)]
pub(crate) enum Node {
    Element(Element),
    Text(String),
}

#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Node>,
}

/// A table: its caption, and the texts of its rows, that of the headings first if there are any.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) caption: String,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All elements of a name, in their order.
    pub(crate) fn all(&self, name: &str) -> Vec<&Element> {
        let within =
            self.children.iter().filter_map(|child| if let Node::Element(element) = child { Some(element) } else { None });
        let below = within.flat_map(|element| element.all(name));
        (self.name == name).then_some(self).into_iter().chain(below).collect()
    }

    /// The text in it.
    pub(crate) fn text(&self) -> String {
        let text = |child: &Node| match child {
            Node::Element(element) => element.text(),
            Node::Text(text) => text.clone(),
        };
        self.children.iter().map(text).collect()
    }

    fn every(&self) -> Vec<&Element> {
        let within =
            self.children.iter().filter_map(|child| if let Node::Element(element) = child { Some(element) } else { None });
        std::iter::once(self).chain(within.flat_map(Element::every)).collect()
    }

    pub(crate) fn tables(&self) -> Vec<Table> {
        let cell = |cell: &Node| if let Node::Element(cell) = cell { cell.text() } else { String::new() };
        let table = |table: &&Element| Table {
            caption: table.all("caption").iter().map(|caption| caption.text()).collect(),
            rows: table.all("tr").iter().map(|row| row.children.iter().map(cell).collect()).collect(),
        };
        self.all("table").iter().map(table).collect()
    }

    /// The table with this caption.
    pub(crate) fn table(&self, caption: &str) -> Table {
        let tables = self.tables();
        let captions: Vec<String> = tables.iter().map(|table| table.caption.clone()).collect();
        tables.into_iter().find(|table| table.caption == caption).unwrap_or_else(|| panic!("{caption} is not among {captions:?}"))
    }
}

impl Table {
    /// The cells of a column in all rows but that of the headings.
    pub(crate) fn column(&self, heading: &str) -> Vec<&str> {
        let place =
            self.rows[0].iter().position(|found| found == heading).unwrap_or_else(|| panic!("{heading}: {:?}", self.rows[0]));
        self.rows[1..].iter().map(|row| row[place].as_str()).collect()
    }

    /// The value of a name, in a table of names with their values.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.rows.iter().find(|row| row[0] == name).map(|row| row[1].as_str()).unwrap_or_else(|| panic!("{name}: {self:?}"))
    }
}

/// Reads a page, and checks it.
pub(crate) fn checked(html: &str) -> Element {
    let page = parsed(html);
    check_names(&page);
    check_tables(&page);
    page
}

/// Checks that identifiers are given once, and that all that is named by one is there. Nothing else is loaded or gone to.
fn check_names(page: &Element) {
    let every = page.every();
    let mut known = BTreeSet::new();
    for id in every.iter().filter_map(|element| element.attribute("id")) {
        assert!(known.insert(id), "{id} is given twice");
    }
    for element in every {
        let named =
            ["aria-labelledby", "aria-describedby", "aria-controls", "for"].iter().filter_map(|name| element.attribute(name));
        for id in named.flat_map(str::split_whitespace) {
            assert!(known.contains(id), "{id} is not there");
        }
        for (name, value) in element.attributes.iter().filter(|(name, _)| LEADING.contains(&name.as_str())) {
            let id = value.strip_prefix('#').unwrap_or_else(|| panic!("{name}={value} leads elsewhere"));
            assert!(known.contains(id), "{id} is not there");
        }
        assert!(!["script", "link", "iframe", "object", "embed", "base", "form"].contains(&element.name.as_str()), "{element:?}");
        assert!(element.attributes.iter().all(|(name, _)| !name.starts_with("on") && name != "style"), "{element:?}");
    }
}

fn check_tables(page: &Element) {
    for table in page.all("table") {
        assert_eq!(table.all("caption").len(), 1, "{table:?}");
        assert!(table.all("th").iter().all(|heading| ["col", "row"].contains(&heading.attribute("scope").unwrap())), "{table:?}");
        let widths: BTreeSet<usize> = table.all("tr").iter().map(|row| row.children.len()).collect();
        assert_eq!(widths.len(), 1, "{table:?}");
    }
    for drawing in page.all("svg").iter().filter(|drawing| drawing.attribute("role") == Some("img")) {
        assert!(drawing.all("title").len() == 1 && !drawing.all("desc")[0].text().is_empty(), "{drawing:?}");
    }
}

/// Reads a document.
fn parsed(html: &str) -> Element {
    let mut rest = html.strip_prefix("<!DOCTYPE html>").expect("it begins with its type");
    let mut open = vec![Element { name: String::new(), attributes: Vec::new(), children: Vec::new() }];
    while let Some((text, tag)) = rest.split_once('<') {
        push_text(&mut open, text);
        let end = end_of(tag);
        rest = &tag[end + 1..];
        let (tag, closes_itself) = tag[..end].strip_suffix('/').map_or((&tag[..end], false), |tag| (tag, true));
        if let Some(name) = tag.strip_prefix('/') {
            let element = open.pop().unwrap();
            assert_eq!(element.name, name, "an end tag closes what was opened last");
            open.last_mut().unwrap().children.push(Node::Element(element));
            continue;
        }
        let element = element_of(tag);
        if closes_itself || VOID.contains(&element.name.as_str()) {
            open.last_mut().unwrap().children.push(Node::Element(element));
        } else if element.name == "style" {
            let (style, after) = rest.split_once("</style>").expect("the style sheet ends");
            rest = after;
            open.last_mut()
                .unwrap()
                .children
                .push(Node::Element(Element { children: vec![Node::Text(style.into())], ..element }));
        } else {
            open.push(element);
        }
    }
    assert!(open.len() == 1 && rest.trim().is_empty(), "{} is not closed", open.last().unwrap().name);
    open.pop().unwrap()
}

fn push_text(open: &mut [Element], text: &str) {
    assert!(!text.contains('>'), "{text}");
    if !text.trim().is_empty() {
        open.last_mut().unwrap().children.push(Node::Text(unescaped(text)));
    }
}

/// The end of a tag: the first `>` that is in no quotes.
fn end_of(tag: &str) -> usize {
    let mut is_quoted = false;
    tag.find(|c| {
        is_quoted ^= c == '"';
        c == '>' && !is_quoted
    })
    .unwrap_or_else(|| panic!("`<{tag}` does not end"))
}

fn element_of(tag: &str) -> Element {
    let (name, mut rest) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
    assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()), "`{tag}` has no name");
    let mut attributes: Vec<(String, String)> = Vec::new();
    while !rest.trim().is_empty() {
        let (name, value) = rest.trim_start().split_once("=\"").unwrap_or_else(|| panic!("{tag}: {rest} is no attribute"));
        let (value, after) = value.split_once('"').unwrap_or_else(|| panic!("{tag}: {name} does not end"));
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{tag}: {name}");
        assert!(attributes.iter().all(|(known, _)| known != name), "{tag}: {name} twice");
        assert!(!value.contains('<'), "{tag}");
        attributes.push((name.to_owned(), unescaped(value)));
        rest = after;
    }
    Element { name: name.to_owned(), attributes, children: Vec::new() }
}

/// The text that character references stand for. Templates write them by number.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('&');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.strip_prefix('#').and_then(|part| part.split_once(';')).unwrap_or_else(|| panic!("&{part}"));
        whole.extend(char::from_u32(number.parse().unwrap()));
        whole.push_str(rest);
    }
    whole
}

#[test]
fn what_is_wrong_with_a_page_is_found() {
    let page = |body: &str| format!("<!DOCTYPE html>\n<html lang=\"en\"><body>{body}</body></html>\n");
    let table = "<table><caption>c</caption><tr><th scope=\"col\">a &#38; b</th></tr><tr><td>1<br>2</td></tr></table>";
    assert_eq!(checked(&page(table)).table("c").rows, [["a & b"], ["12"]]);
    for wrong in [
        "<p>",
        "<p></b></p>",
        "<p id=a></p>",
        "<p id=\"a\"></p><p id=\"a\"></p>",
        "<p aria-labelledby=\"b\"></p>",
        "<a href=\"https://example.org\">x</a>",
        "<script></script>",
        "<p onclick=\"x\"></p>",
        "<table><tr><td>1</td></tr></table>",
        "<table><caption>c</caption><tr><th>1</th></tr></table>",
        "a > b",
        "a & b",
    ] {
        assert!(std::panic::catch_unwind(|| checked(&page(wrong))).is_err(), "{wrong}");
    }
}
