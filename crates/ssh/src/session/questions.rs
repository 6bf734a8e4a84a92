//! Questions of commands, which the client answers at its terminal.

use p2p_service::accounts::Secret;
use p2p_shell::qr;
use p2p_shell::question::{Field, Form, Question, Reply, Shown};
use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;

use super::client::{Call, Client};
use super::editor::Editor;
use super::typing::typed_line;

/// Answers that were given to the form that is being filled in, so that only wrong fields are asked again.
#[derive(Debug, Default)]
pub(super) struct Answers(Option<(&'static str, Vec<Secret>)>);

impl Answers {
    /// Answers a question of a command: the client is asked at its terminal, and told how to get one where it has none.
    ///
    /// # Errors
    /// Fails if the client interrupts the question or goes.
    pub(super) async fn answer(&mut self, client: &mut Client, question: Question) -> Result<(), Call> {
        let Question { form, reply } = question;
        if client.terminal().is_none() && !form.fields.is_empty() {
            let reason = format!("`{}` has to be answered at a terminal; `ssh -t` gives one to a command", form.title);
            // The task that asks may have ended.
            let _ = reply.send(Reply::Unable(reason));
            return Ok(());
        }
        show(client, &form).await;
        let mut given: Vec<Secret> = Vec::with_capacity(form.fields.len());
        for (place, field) in form.fields.iter().enumerate() {
            let text = match self.known(&form, place) {
                Some(text) => text,
                None => match asked(client, field).await? {
                    Some(text) => text,
                    // Dropping the question gives it up.
                    None => return Ok(()),
                },
            };
            if text.expose_secret().is_empty() && field.can_be_sent_again() {
                let _ = reply.send(Reply::SendAgain);
                return Ok(());
            }
            given.push(text);
        }
        self.0 = Some((form.title, given.clone()));
        let _ = reply.send(Reply::Given(given));
        Ok(())
    }

    /// Forgets the answers that were kept for repeating a form.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }

    /// Returns the answer to a field that needs none of the client: the earlier one, if another field was wrong, or what the field has
    /// beforehand.
    fn known(&self, form: &Form, place: usize) -> Option<Secret> {
        if form.error_at(place).is_some() {
            return None;
        }
        let earlier = self.0.as_ref().filter(|(title, _)| form.error.is_some() && *title == form.title);
        if let Some(text) = earlier.and_then(|(_, given)| given.get(place)) {
            return Some(text.clone());
        }
        let Field { value, .. } = &form.fields[place];
        (!value.is_empty() && form.fields[place].wrong(value).is_none()).then(|| value.as_str().into())
    }
}

/// Asks for a field until its answer is valid by itself. `None` gives the form up: the end of the input, or an empty answer that asks for
/// nothing.
async fn asked(client: &mut Client, field: &Field) -> Result<Option<Secret>, Call> {
    let prompt = format!("{}: ", field.prompt());
    loop {
        let typed = typed_line(client, &mut Editor::default(), &prompt, field.kind.is_hidden(), None).await?;
        let typed = typed.map(Zeroizing::new).filter(|text| !text.is_empty() || field.can_be_sent_again());
        let Some(text) = typed else { return Ok(None) };
        match field.wrong(&text).filter(|_| !text.is_empty()) {
            Some(message) => client.complain(&message).await,
            None => return Ok(Some(Secret::from(text.as_str()))),
        }
    }
}

/// Shows the error of a form, or what it says before it is filled in.
async fn show(client: &mut Client, form: &Form) {
    if let Some(error) = &form.error {
        return client.complain(&format!("{} (Ctrl-C gives up)", error.message)).await;
    }
    for text in [form.title, form.text.as_str()] {
        client.print(text).await;
    }
    for field in form.fields.iter().filter(|field| !field.value.is_empty()) {
        client.complain(&format!("{}: {}", field.name, field.value)).await;
    }
    let columns = client.terminal().map_or(0, |terminal| terminal.columns);
    for line in shown(&form.shown, columns) {
        client.print(&line).await;
    }
}

/// Returns the secrets that a form shows once, at a terminal of this width; 0 is none.
fn shown(secrets: &Shown, columns: u16) -> Vec<String> {
    match secrets {
        Shown::Nothing => Vec::new(),
        Shown::App(enrolment) => {
            let uri = enrolment.uri.expose_secret();
            let code = qr::lines(uri).filter(|lines| lines.iter().all(|line| line.chars().count() <= columns.into()));
            // Black on white, independent of the theme: cameras read nothing else.
            let drawn = code.unwrap_or_default().into_iter().map(|line| format!("\x1b[30;107m{line}\x1b[0m"));
            let told = [uri.to_owned(), format!("secret: {}", enrolment.secret.expose_secret())];
            drawn.chain(told).collect()
        }
        Shown::Codes(codes) => codes.iter().map(|code| format!("  {}", code.expose_secret())).collect(),
    }
}
