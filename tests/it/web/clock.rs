//! The virtual clock by REST: its speed, a pause, and steps within it.

use super::*;

#[test]
fn time_is_paused_stepped_and_let_go() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let set = |path: &'static str, body: Value| site.request(Method::POST, path).json(&body).send();
        let (status, time) = site.get("/time").await;
        assert!(status == 200 && time["speed"] == "max" && time["is_paused"] == false, "{time}");
        let (status, paused) = read(set("/time", json!({ "paused": true, "speed": "10x" })).await.unwrap()).await;
        assert_eq!((status, &paused["is_paused"], &paused["speed"]), (200, &json!(true), &json!("10x")), "{paused}");
        let before = site.get("/time").await.1["virtual_seconds"].as_f64().unwrap();
        assert_eq!(site.get("/time").await.1["virtual_seconds"].as_f64(), Some(before));
        let (status, stepped) = read(set("/time/step", json!({ "span": "500ms" })).await.unwrap()).await;
        let after = stepped["virtual_seconds"].as_f64().unwrap();
        assert!(status == 200 && (after - before - 0.5).abs() < 1e-6, "{before} {stepped}");
        // To the next event, without a body.
        let (status, next) = read(site.request(Method::POST, "/time/step").send().await.unwrap()).await;
        assert!(status == 200 && next["virtual_seconds"].as_f64() > Some(after), "{next}");
        for (path, wrong, field) in [
            ("/time/step", json!({ "span": "2h" }), "span"),
            ("/time/step", json!({ "span": "soon" }), "span"),
            ("/time", json!({ "speed": "fast" }), "speed"),
            ("/time", json!({}), "paused"),
        ] {
            let (status, body) = read(set(path, wrong.clone()).await.unwrap()).await;
            assert_eq!((status, body["field"].as_str()), (400, Some(field)), "{wrong}: {body}");
        }
        let (_, going) = read(set("/time", json!({ "paused": false })).await.unwrap()).await;
        assert_eq!(going["is_paused"], false);
        assert!(site.served.stop().code == Some(0));
    });
}
