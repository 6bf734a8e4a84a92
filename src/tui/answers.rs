//! The answers that the output of the prompt shows, as they are known and not only as they were laid out: a text that is opened from them
//! fits the width that its place has then.

use std::collections::VecDeque;
use std::fmt;

use p2p_base::spelling::visible_lines;
use p2p_shell::answer::View;

/// A text that is laid out for the width of the place in which it is read.
pub struct Laid(Box<dyn Fn(usize) -> String + Send + Sync>);

impl fmt::Debug for Laid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Laid")
    }
}

impl Laid {
    /// Creates a text that a function lays out for a width in cells.
    pub fn new(text: impl Fn(usize) -> String + Send + Sync + 'static) -> Laid {
        Laid(Box::new(text))
    }

    /// Creates a text of pieces, one below the other.
    pub fn of(pieces: Vec<Piece>) -> Laid {
        Laid::new(move |width| pieces.iter().map(|piece| piece.text(width)).collect::<Vec<_>>().join("\n"))
    }

    /// Returns the text for a width in cells, with visible characters alone.
    pub fn text(&self, width: usize) -> String {
        visible_lines(&(self.0)(width)).into_owned()
    }
}

/// A piece of what the prompt has said.
#[derive(Debug, Clone)]
pub enum Piece {
    /// Lines as they were said.
    Lines(String),
    /// An answer.
    Answer(View),
}

impl Piece {
    fn text(&self, width: usize) -> String {
        match self {
            Piece::Lines(text) => text.clone(),
            Piece::Answer(view) => view.text_within(Some(u16::try_from(width).unwrap_or(u16::MAX))),
        }
    }
}

/// An answer in the output of the prompt.
#[derive(Debug)]
struct Said {
    /// Number of its first line, counted from the first line that was ever said.
    first: usize,
    /// Number of its lines.
    count: usize,
    view: View,
}

/// The answers in the output of the prompt, oldest first.
#[derive(Debug, Default)]
pub struct Answers {
    said: VecDeque<Said>,
    /// Number of lines that are gone from the output.
    gone: usize,
}

impl Answers {
    /// Remembers the answer that the lines of the output show from an index on. What is one line reads the same at every width.
    pub fn add(&mut self, first: usize, count: usize, view: View) {
        if count > 1 {
            self.said.push_back(Said { first: self.gone + first, count, view });
        }
    }

    /// Takes in that so many of the oldest lines of the output are gone.
    pub fn lose(&mut self, lines: usize) {
        self.gone += lines;
        while self.said.front().is_some_and(|said| said.first < self.gone) {
            self.said.pop_front();
        }
    }

    /// Returns the lines of the output from an index on in pieces.
    pub fn pieces<'a>(&self, from: usize, lines: impl Iterator<Item = &'a str>) -> Vec<Piece> {
        let (mut pieces, mut at) = (Vec::new(), self.gone + from);
        let mut answers = self.said.iter().skip(self.said.partition_point(|said| said.first < at)).peekable();
        let (mut plain, mut answered_to) = (Vec::new(), at);
        for line in lines {
            if let Some(said) = answers.next_if(|said| said.first == at) {
                if !plain.is_empty() {
                    pieces.push(Piece::Lines(std::mem::take(&mut plain).join("\n")));
                }
                pieces.push(Piece::Answer(said.view.clone()));
                answered_to = at + said.count;
            }
            if at >= answered_to {
                plain.push(line);
            }
            at += 1;
        }
        if !plain.is_empty() {
            pieces.push(Piece::Lines(plain.join("\n")));
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is gone from the output, the lines of an answer are that answer, and all others stay as they are.
    #[test]
    fn the_lines_of_an_answer_are_told_from_others() {
        let mut answers = Answers::default();
        let lines = ["› help", "one", "two", "› nodes", "a", "b", "c", "more"];
        answers.add(1, 2, View::Text("one two".into()));
        answers.add(4, 3, View::Text("a b c".into()));
        let told = |answers: &Answers, gone: usize, from: usize| {
            let pieces = answers.pieces(from, lines[gone..][from..].iter().copied());
            pieces.iter().map(|piece| piece.text(80)).collect::<Vec<_>>()
        };
        assert_eq!(told(&answers, 0, 0), ["› help", "one two", "› nodes", "a b c", "more"]);
        assert_eq!(told(&answers, 0, 3), ["› nodes", "a b c", "more"]);
        // Half an answer is what it was laid out as.
        answers.lose(2);
        assert_eq!(told(&answers, 2, 0), ["two\n› nodes", "a b c", "more"]);
        answers.lose(3);
        assert_eq!(told(&answers, 5, 0), ["b\nc\nmore"]);
    }
}
