//! The report of a run as a page: one document of HTML that needs nothing but itself, no script and nothing from elsewhere, with tables and
//! with charts in SVG. Every figure is one that the engine has measured; each chart stands beside a table of what it draws.
//!
//! | file | content |
//! |---|---|
//! | `words` | texts as a page shows them, and the tables made of them |
//! | `chart` | the marks that charts are drawn with |
//! | `throughput`, `storage`, `round_trips`, `waterfall` | one chart each |
//! | `run`, `demo` | what the page of a run and that of the demonstration have on them |
//!
//! Names of files and users come from anybody: the templates escape what has a meaning in HTML, and `Words` what cannot be
//! seen or turns others around. The policy of the page (Content Security Policy Level 3, section 3.3) allows its own styles and nothing else,
//! so that nothing could be loaded or run even if a text came through.

mod chart;
mod demo;
mod round_trips;
mod run;
mod storage;
mod throughput;
mod waterfall;
mod words;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use self::chart::{Chart, Mark};
use self::words::{Grid, Words};
pub use self::{demo::of_demo, run::of_run};

/// Style sheet of the page.
const STYLE: &str = include_str!("../templates/page.css");

/// A page before it is rendered.
#[derive(Debug, Clone, Template)]
#[template(path = "page.html")]
struct Page {
    title: Words,
    lead: Words,
    facts: Vec<(Words, Words)>,
    sections: Vec<Section>,
}

/// A section of a page.
#[derive(Debug, Clone)]
struct Section {
    heading: Words,
    parts: Vec<Part>,
}

/// A part of a section.
#[derive(Debug, Clone)]
enum Part {
    Text(Words),
    Table(Grid),
    Chart(Box<Chart>),
}

impl Page {
    /// Returns the style sheet, which contains nothing that would end the element that it is in.
    fn style(&self) -> &'static str {
        STYLE
    }

    /// Returns the source of styles that the policy of the page allows: the style sheet by its SHA-256.
    fn style_source(&self) -> String {
        let mut source = String::from("sha256-");
        STANDARD.encode_string(Sha256::digest(STYLE), &mut source);
        source
    }

    /// Returns the identifier of the part of a section, both counted from 1.
    fn part_id(&self, section: &usize, part: &usize) -> String {
        format!("part-{section}-{part}")
    }

    /// Returns the page as HTML.
    fn html(&self) -> Result<String, askama::Error> {
        self.render().map(|html| html.trim_end().to_owned() + "\n")
    }
}

impl Section {
    fn new(heading: &str, parts: Vec<Part>) -> Section {
        Section { heading: Words::new(heading), parts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "<script>alert(1)</script>\"'&\u{202e}\u{1b}]0;x\u{7}\u{200b}";

    /// Whatever a text is, and wherever it stands, it is a text: the same characters, of which none ends an element or an attribute, and none
    /// is unseen.
    #[test]
    fn a_hostile_text_stays_a_text() {
        let words = Words::new(HOSTILE);
        let cell = words::Cell::new(HOSTILE, false);
        let grid = Grid {
            caption: words.clone(),
            headings: vec![cell.clone()],
            rows: vec![vec![cell.clone(), cell]],
            empty: words.clone(),
        };
        let mark =
            Mark::Text { class: "words", x: chart::Share::NONE, y: 1.0, anchor: chart::Anchor::Start, words: words.clone() };
        let drawing = chart::Drawing { height: 10.0, marks: vec![mark] };
        let drawn = Chart {
            title: words.clone(),
            description: words.clone(),
            legend: vec![chart::Key::of_line("sent", HOSTILE)],
            names: Some(drawing.clone()),
            plot: drawing,
            figures: grid.clone(),
        };
        let parts = vec![Part::Text(words.clone()), Part::Table(grid), Part::Chart(Box::new(drawn))];
        let sections = vec![Section::new(HOSTILE, parts)];
        let page = Page { title: words.clone(), lead: words.clone(), facts: vec![(words.clone(), words)], sections };
        let html = page.html().unwrap();
        let body = html.split_once("</style>").unwrap().1;
        assert!(!html.contains("<script") && !body.contains(['\'', '\u{202e}', '\u{1b}', '\u{7}', '\u{200b}']), "{html}");
        let shown = "&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;\\u{202e}\\u{1b}]0;x\\u{7}\\u{200b}";
        assert!(html.matches(shown).count() >= 20, "{html}");
    }

    #[test]
    fn the_policy_allows_the_style_sheet_and_nothing_else() {
        let page = Page { title: Words::new("a"), lead: Words::new("b"), facts: Vec::new(), sections: Vec::new() };
        let html = page.html().unwrap();
        let style = html.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        let source = format!("sha256-{}", STANDARD.encode(Sha256::digest(style)));
        assert!(html.contains(&format!("default-src 'none'; style-src '{source}'; base-uri 'none'")), "{html}");
        // No attribute has styles of its own, which the policy would not let through.
        assert!(!html.contains("style=") && !STYLE.contains("url(") && !STYLE.contains("@import"));
    }
}
