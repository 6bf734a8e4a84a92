//! Transfers by REST: what is under way, the timing of each segment, and cancelling.

use super::*;

#[test]
fn a_transfer_is_told_with_the_timing_of_its_segments() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let content = vec![7; 200_000];
        let stored = site.request(Method::PUT, "/files/content/a.bin").body(content).send().await.unwrap();
        assert_eq!(stored.status(), 201);
        let (status, all) = site.get("/transfers").await;
        let upload = all["transfers"].as_array().unwrap().iter().find(|transfer| transfer["direction"] == "upload").unwrap();
        assert_eq!((status, &upload["state"], &upload["path"]), (200, &json!("done"), &json!("a.bin")), "{all}");
        let (status, one) = site.get(&format!("/transfers/{}", upload["id"])).await;
        let timeline = one["timeline"].as_array().unwrap();
        assert_eq!((status, timeline.len(), one["sha256"].as_str().map(str::len)), (200, 4, Some(64)), "{one}");
        for segment in timeline {
            let times = ["queued_s", "connected_s", "first_byte_s", "last_byte_s", "acknowledged_s"];
            let times = times.map(|name| segment[name].as_f64().unwrap_or_else(|| panic!("{name}: {segment}")));
            assert!(times[2] <= times[3] && times[3] <= times[4] && times[0] <= times[4], "{segment}");
            assert!(segment["holder"].as_str().unwrap().starts_with("Node_") && segment["attempts"] == 1, "{segment}");
        }
        assert_eq!(site.get("/transfers?under_way=true").await.1["transfers"], json!([]));
        let unknown = site.get("/transfers/999").await;
        assert_eq!((&unknown.1["resource"]["name"], because(unknown.clone())), (&json!("#999"), (404, "NOT_FOUND".into())));
        assert!(site.served.stop().code == Some(0));
    });
}

/// While time stands still nothing is done, so that a transfer is certainly under way when it is cancelled.
#[test]
fn a_transfer_is_cancelled_also_while_time_is_paused() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let paused = site.request(Method::POST, "/time").json(&json!({ "paused": true })).send().await.unwrap();
        assert_eq!(paused.status(), 200);
        let storing = site.request(Method::PUT, "/files/content/b.bin").body(vec![1; 300_000]).send();
        let cancelling = async {
            let id = loop {
                let (_, all) = site.get("/transfers?under_way=true").await;
                match all["transfers"][0]["id"].as_u64() {
                    Some(id) => break id,
                    None => tokio::task::yield_now().await,
                }
            };
            read(site.request(Method::DELETE, &format!("/transfers/{id}")).send().await.unwrap()).await
        };
        let (stored, (status, cancelled)) = tokio::join!(storing, cancelling);
        assert_eq!((status, cancelled["state"].as_str()), (200, Some("cancelled")), "{cancelled}");
        assert!(stored.unwrap().status().is_client_error());
        assert_eq!(site.get("/files").await.1["entries"], json!([]));
        assert!(site.served.stop().code == Some(0));
    });
}
