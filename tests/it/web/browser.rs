//! A real browser for tests of pages: Debian's Chromium, driven by its protocol for debuggers. Every wait is for a condition, with a deadline.
//!
//! ```text
//! in_a_browser(async |browser| {
//!     let tab = browser.open(&site.url("/sign-in")).await;
//!     tab.fill("#username", "alice").await;
//!     tab.click("button").await;
//!     tab.reads("Your files").await;
//!     tab.looks("files").await;
//! });
//! ```
//!
//! `looks` takes a picture at 360, 1024 and 1920 pixels, light and dark, into `target/tmp/browser`, and asks axe-core each time what is wrong.
//! `P2P_TEST_CHROMIUM` names another program than `chromium`, and `P2P_TEST_AXE` the file `axe.min.js` of the package of that name.

#![expect(clippy::disallowed_methods, reason = "a real browser has tasks and time of its own")]

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chromiumoxide::browser::{Browser as Chromium, BrowserConfig};
use chromiumoxide::cdp::browser_protocol::browser::{SetDownloadBehaviorBehavior, SetDownloadBehaviorParams};
use chromiumoxide::cdp::browser_protocol::emulation::{MediaFeature, SetDeviceMetricsOverrideParams};
use chromiumoxide::cdp::browser_protocol::input::{DispatchDragEventParams, DispatchDragEventType, DragData, DragDataItem};
use chromiumoxide::cdp::browser_protocol::log::{EventEntryAdded, LogEntrySource};
use chromiumoxide::cdp::browser_protocol::page::{
    AddScriptToEvaluateOnNewDocumentParams, SetWebLifecycleStateParams, SetWebLifecycleStateState,
};
use chromiumoxide::cdp::js_protocol::runtime::{EvaluateParams, EventExceptionThrown};
use chromiumoxide::handler::viewport::Viewport;
use chromiumoxide::page::{Page, ScreenshotParams};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_stream::StreamExt as _;

use crate::program::DEADLINE;

/// How long a test with a browser may take: it takes many pictures, perhaps beside other tests on a slow machine.
const TEST_MAX: Duration = Duration::from_secs(600);
/// Widths of the pictures, in pixels: a small telephone, a tablet or half a screen, and a large screen.
const WIDTHS: [i64; 3] = [360, 1024, 1920];
/// Height of the window, in pixels.
const HEIGHT: i64 = 900;
const THEMES: [&str; 2] = ["light", "dark"];
/// Time between two looks at a condition.
const BETWEEN: Duration = Duration::from_millis(20);
/// Rules that a page keeps: those of WCAG 2.2 AA, and what axe-core recommends beyond.
const RULES: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/// A running browser, with a profile of its own.
pub(crate) struct Browser {
    chromium: Chromium,
    events: JoinHandle<()>,
    profile: tempfile::TempDir,
}

/// A page in a tab of the browser.
pub(crate) struct Tab {
    page: Page,
    /// What the page has complained of: scripts that threw, and what its policy has refused.
    complaints: Arc<Mutex<Vec<String>>>,
    watches: Vec<JoinHandle<()>>,
}

/// Runs a test with a browser, which has ended when this returns or the test has failed.
pub(crate) fn in_a_browser(test: impl AsyncFnOnce(&Browser)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let browser = Browser::start().await;
        // A test that fails drops the browser, which kills it.
        tokio::time::timeout(TEST_MAX, test(&browser)).await.unwrap();
        browser.end().await;
    });
}

/// Takes what is there only where it is no error.
fn sound<T, E: Debug>(result: Result<T, E>, what: &str) -> T {
    result.unwrap_or_else(|error| panic!("{what}: {error:?}"))
}

impl Browser {
    async fn start() -> Browser {
        let profile = tempfile::tempdir().unwrap();
        let program = std::env::var("P2P_TEST_CHROMIUM").unwrap_or_else(|_| "chromium".into());
        // Root has no sandbox, and this one opens nothing but pages of tests.
        let config = BrowserConfig::builder()
            .chrome_executable(program_of(&program))
            .new_headless_mode()
            .no_sandbox()
            .user_data_dir(profile.path())
            .viewport(None::<Viewport>)
            .window_size(1024, 900)
            .launch_timeout(DEADLINE)
            .request_timeout(DEADLINE)
            .args(["no-proxy-server", "hide-scrollbars"])
            .build();
        let (chromium, mut handler) = sound(Chromium::launch(sound(config, "the options")).await, "the browser");
        let events = tokio::spawn(async move { while handler.next().await.is_some() {} });
        Browser { chromium, events, profile }
    }

    /// Opens a page in a tab of its own.
    pub(crate) async fn open(&self, url: &str) -> Tab {
        let page = sound(self.chromium.new_page("about:blank").await, "a tab");
        let tab = Tab::watched(page).await;
        tab.go(url).await;
        tab
    }

    /// Has what is downloaded come into a directory.
    pub(crate) async fn download_to(&self, directory: &Path) {
        let wanted = SetDownloadBehaviorParams::builder()
            .behavior(SetDownloadBehaviorBehavior::Allow)
            .download_path(directory.to_str().unwrap())
            .build();
        sound(self.chromium.execute(sound(wanted, "downloads")).await, "downloads");
    }

    async fn end(mut self) {
        sound(self.chromium.close().await, "closing the browser");
        sound(tokio::time::timeout(DEADLINE, self.chromium.wait()).await.unwrap(), "the end of the browser");
        self.events.abort();
        sound(self.profile.close(), "the profile");
    }
}

/// The path of a program, looked for where programs are.
fn program_of(name: &str) -> PathBuf {
    let directories = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&directories).map(|directory| directory.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| PathBuf::from(name))
}

impl Tab {
    async fn watched(page: Page) -> Tab {
        let complaints = Arc::new(Mutex::new(Vec::new()));
        let mut entries = sound(page.event_listener::<EventEntryAdded>().await, "the log");
        let mut thrown = sound(page.event_listener::<EventExceptionThrown>().await, "exceptions");
        sound(page.enable_log().await, "the log");
        let add = |to: &Mutex<Vec<String>>, text: String| to.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        let (of_log, of_scripts) = (Arc::clone(&complaints), Arc::clone(&complaints));
        let watches = vec![
            tokio::spawn(async move {
                while let Some(event) = entries.next().await {
                    // An answer that says what is wrong is one.
                    if event.entry.source != LogEntrySource::Network {
                        add(&of_log, format!("{:?}: {}", event.entry.source, event.entry.text));
                    }
                }
            }),
            tokio::spawn(async move {
                while let Some(event) = thrown.next().await {
                    add(&of_scripts, format!("{:?}", event.exception_details));
                }
            }),
        ];
        Tab { page, complaints, watches }
    }

    /// Goes to a page, in front of other tabs, and waits until it is there.
    pub(crate) async fn go(&self, url: &str) {
        sound(self.page.bring_to_front().await, url);
        sound(self.page.goto(url).await, url);
        self.until("document.readyState === 'complete'").await;
    }

    /// What an expression of JavaScript comes to; a promise is awaited.
    pub(crate) async fn value<T: DeserializeOwned>(&self, expression: &str) -> T {
        let wanted = EvaluateParams::builder().expression(expression).await_promise(true).return_by_value(true).build();
        let answer = sound(self.page.execute(sound(wanted, expression)).await, expression);
        if let Some(thrown) = &answer.result.exception_details {
            panic!("{expression}: {thrown:?}");
        }
        sound(serde_json::from_value(answer.result.result.value.clone().unwrap_or_default()), expression)
    }

    /// Waits until an expression of JavaScript is true. It may throw before, as where an element is not there yet, or its page is left.
    pub(crate) async fn until(&self, condition: &str) {
        let deadline = Instant::now() + DEADLINE;
        let asked = format!("(() => {{ try {{ return !!({condition}); }} catch {{ return false; }} }})()");
        loop {
            let wanted = EvaluateParams::builder().expression(&asked).return_by_value(true).build();
            let answer = self.page.execute(sound(wanted, condition)).await;
            if answer.is_ok_and(|answer| answer.result.result.value == Some(Value::Bool(true))) {
                return;
            }
            assert!(Instant::now() < deadline, "not so within {DEADLINE:?}: {condition}\n{}", self.text().await);
            tokio::time::sleep(BETWEEN).await;
        }
    }

    /// Waits until an element is there.
    pub(crate) async fn has(&self, selector: &str) {
        self.until(&format!("document.querySelector({})", json!(selector))).await;
    }

    /// Waits until a text is on the page.
    pub(crate) async fn reads(&self, text: &str) {
        self.until(&format!("document.body.innerText.includes({})", json!(text))).await;
    }

    /// Waits until the page is one whose address ends so.
    pub(crate) async fn is_at(&self, end: &str) {
        self.until(&format!("location.href.endsWith({}) && document.readyState === 'complete'", json!(end))).await;
    }

    /// The text of the page, as it is seen.
    pub(crate) async fn text(&self) -> String {
        self.value("document.body ? document.body.innerText : ''").await
    }

    /// Waits for an element and clicks it, as a mouse does.
    pub(crate) async fn click(&self, selector: &str) {
        self.has(selector).await;
        let element = sound(self.page.find_element(selector).await, selector);
        sound(element.click().await, selector);
    }

    /// Waits for a field, and types a text into it in the place of what is there.
    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        self.has(selector).await;
        let element = sound(self.page.find_element(selector).await, selector);
        sound(element.focus().await, selector);
        let () = self.value(&format!("document.querySelector({}).select?.()", json!(selector))).await;
        sound(element.type_str(text).await, selector);
    }

    /// Presses a key where the focus is in an element.
    pub(crate) async fn press(&self, selector: &str, key: &str) {
        self.has(selector).await;
        sound(sound(self.page.find_element(selector).await, selector).press_key(key).await, selector);
    }

    /// Drops a file or directory of this machine on the page, as a mouse does.
    pub(crate) async fn drop_on_it(&self, dropped: &Path) {
        for kind in [DispatchDragEventType::DragEnter, DispatchDragEventType::DragOver, DispatchDragEventType::Drop] {
            // The library leaves an empty list out, which the browser wants; a text is none of the files.
            let mut data = DragData::new(vec![DragDataItem::new("text/plain", "")], 1);
            data.files = Some(vec![dropped.to_str().unwrap().to_owned()]);
            sound(self.page.execute(DispatchDragEventParams::new(kind, 200.0, 500.0, data)).await, "a drag");
        }
    }

    /// Waits until a file is downloaded whole, and returns its content. It has its name only then.
    pub(crate) async fn downloaded(&self, path: &Path) -> Vec<u8> {
        let deadline = Instant::now() + DEADLINE;
        while !path.is_file() {
            assert!(Instant::now() < deadline, "{path:?} has not come within {DEADLINE:?}\n{}", self.text().await);
            tokio::time::sleep(BETWEEN).await;
        }
        std::fs::read(path).unwrap()
    }

    /// Runs a script in every page of this tab from now on, before the page's own.
    pub(crate) async fn before(&self, script: &str) {
        sound(self.page.execute(AddScriptToEvaluateOnNewDocumentParams::new(script)).await, script);
    }

    /// Freezes the page as a browser does with what is long out of sight, or wakes it.
    pub(crate) async fn freeze(&self, is_frozen: bool) {
        let state = if is_frozen { SetWebLifecycleStateState::Frozen } else { SetWebLifecycleStateState::Active };
        sound(self.page.execute(SetWebLifecycleStateParams::new(state)).await, "the state of a page");
    }

    /// Closes the tab.
    pub(crate) async fn close(self) {
        sound(self.page.clone().close().await, "closing a tab");
    }

    /// Gives the window a width and a theme.
    pub(crate) async fn show(&self, width: i64, theme: &str) {
        let size = SetDeviceMetricsOverrideParams::new(width, HEIGHT, 1.0, false);
        sound(self.page.execute(size).await, "the size of the window");
        // What moves would be pictured halfway.
        let features = [("prefers-color-scheme", theme), ("prefers-reduced-motion", "reduce")];
        let features = features.map(|(name, value)| MediaFeature::new(name, value)).to_vec();
        sound(self.page.emulate_media_features(features).await, "the theme");
        self.until(&format!("innerWidth === {width} && matchMedia('(prefers-color-scheme: {theme})').matches")).await;
        self.until(AT_REST).await;
    }

    /// Takes a picture of what a window of 1600x1000 shows, as 1280x800 pixels.
    pub(crate) async fn pictured(&self, place: &Path) {
        let size = SetDeviceMetricsOverrideParams::new(1600, 1000, 0.8, false);
        sound(self.page.execute(size).await, "the size of the window");
        self.until("innerWidth === 1600").await;
        self.until(AT_REST).await;
        sound(self.page.save_screenshot(ScreenshotParams::builder().build(), place).await, "a picture");
    }

    /// Takes a picture of the whole page at each width and in each theme, and checks that nothing is wider than the window, that axe-core finds
    /// nothing, and that the page has complained of nothing.
    pub(crate) async fn looks(&self, name: &str) {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
        std::fs::create_dir_all(&directory).unwrap();
        for width in WIDTHS {
            for theme in THEMES {
                self.show(width, theme).await;
                let picture = ScreenshotParams::builder().full_page(true).build();
                let place = directory.join(format!("{name}-{width}-{theme}.png"));
                sound(self.page.save_screenshot(picture, &place).await, name);
                let wide: Vec<String> = self.value(TOO_WIDE).await;
                assert!(wide.is_empty(), "{name} at {width} pixels: wider than the window: {wide:#?}");
                let found = self.violations().await;
                assert!(found.is_empty(), "{name} at {width} pixels, {theme}: {found:#?}");
            }
        }
        self.is_quiet();
    }

    /// What axe-core finds wrong: each rule with the elements that break it.
    pub(crate) async fn violations(&self) -> Vec<String> {
        if !self.value::<bool>("'axe' in window").await {
            let path = std::env::var("P2P_TEST_AXE").expect("P2P_TEST_AXE names axe.min.js of npm's package axe-core");
            let script = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            let () = self.value(&format!("{script}\nvoid 0")).await;
        }
        let found = "found => found.violations.map(rule => `${rule.id}: ${rule.help}: ${rule.nodes.map(node => `${node.target.join(' ')} \
                     (${node.failureSummary})`).join('; ')}`)";
        self.value(&format!("axe.run(document, {{ runOnly: {} }}).then({found})", json!(RULES))).await
    }

    /// Checks that no script has thrown, and that the policy of the page has refused nothing.
    pub(crate) fn is_quiet(&self) {
        let complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        self.watches.iter().for_each(JoinHandle::abort);
    }
}

/// True once no colour or place is on its way to another.
const AT_REST: &str = "document.getAnimations().every(animation => animation.playState !== 'running' || \
                       animation.effect.getComputedTiming().iterations === Infinity)";
/// The elements that reach beyond the window, if the page scrolls sideways.
const TOO_WIDE: &str = "(() => { const { scrollWidth, clientWidth } = document.documentElement; return scrollWidth <= clientWidth ? [] : \
                        [...document.body.querySelectorAll('*')].filter(element => element.getBoundingClientRect().right > clientWidth + \
                        0.5).slice(0, 5).map(element => element.outerHTML.slice(0, 200)); })()";
