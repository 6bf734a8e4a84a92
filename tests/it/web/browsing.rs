//! The pages as people see them, in a real browser: they look well at each width and in both themes, and do what they say.

use super::browser::in_a_browser;
use super::*;

/// A wrong password is told on the page, and the right one leads on.
#[test]
#[ignore = "needs chromium"]
fn a_person_signs_in_in_a_browser() {
    in_a_browser(async |browser| {
        let site = Site::start(QUICK).await;
        let tab = browser.open(&site.url("/sign-in")).await;
        tab.looks("sign-in").await;
        tab.fill("#username", "alice").await;
        tab.fill("#password", "wrong").await;
        tab.click("main button").await;
        tab.has("[role=alert]").await;
        tab.looks("sign-in-refused").await;
        assert_eq!(
            tab.value::<String>("document.querySelector('#username').value").await,
            "alice",
            "the name is not typed twice"
        );
        tab.fill("#password", PASSWORD).await;
        tab.press("#password", "Enter").await;
        tab.until("!location.pathname.startsWith('/sign-in')").await;
        tab.is_quiet();
        assert_eq!(site.served.stop().code, Some(0));
    });
}
