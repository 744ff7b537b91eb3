//! What an editor shows: the language server for YAML that VS Code and others ask, spoken to as they do.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::support::oracles;
use crate::support::tool::nodebake;

const SERVER: &str = "yaml-language-server";
/// More than a cold start takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running server. Its messages come from a thread of their own, so that a silent one is noticed.
struct Server {
    child: Child,
    input: ChildStdin,
    messages: mpsc::Receiver<Json>,
    requests: u64,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let mut child = oracles::command(folder, SERVER)
            .arg("--stdio")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = child.stdout.take().unwrap();
        let (sender, messages) = mpsc::channel();
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = read(&mut output) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut server = Self {
            child,
            input,
            messages,
            requests: 0,
        };
        let hover = json!({"contentFormat": ["plaintext"]});
        server.ask(
            "initialize",
            json!({
                "processId": null,
                "rootUri": null,
                "capabilities": {
                    "textDocument": {"hover": hover},
                    "workspace": {"configuration": true},
                },
            }),
        );
        server.tell("initialized", json!({}));
        server
    }

    fn write(&mut self, message: &Json) {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.input.flush().unwrap();
    }

    fn tell(&mut self, method: &str, params: Json) {
        self.write(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// The first message that `wanted` takes; the server's own requests are answered.
    fn wait(&mut self, wanted: impl Fn(&Json) -> bool) -> Json {
        loop {
            let message = self.messages.recv_timeout(PATIENCE);
            let message = message.unwrap_or_else(|_| panic!("{SERVER} says nothing"));
            if wanted(&message) {
                return message;
            }
            if message["method"].is_string() && !message["id"].is_null() {
                let id = message["id"].clone();
                let items = message["params"]["items"].as_array();
                let result = items.map_or(Json::Null, |items| items.iter().map(settings).collect());
                self.write(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
            }
        }
    }

    fn ask(&mut self, method: &str, params: Json) -> Json {
        self.requests += 1;
        let id = self.requests;
        self.write(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        let answer = self.wait(|message| message["id"] == id && message["method"].is_null());
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Opens a document, and returns what is wrong with it.
    fn open(&mut self, uri: &str, text: &str) -> Vec<String> {
        let document = json!({"uri": uri, "languageId": "yaml", "version": 1, "text": text});
        self.tell("textDocument/didOpen", json!({"textDocument": document}));
        let said = self.wait(|message| {
            message["method"] == "textDocument/publishDiagnostics"
                && message["params"]["uri"] == uri
        });
        let all = said["params"]["diagnostics"].as_array().unwrap().clone();
        let shown = |one: &Json| {
            let line = one["range"]["start"]["line"].as_u64().unwrap();
            format!("{line}: {}", one["message"].as_str().unwrap())
        };
        all.iter().map(shown).collect()
    }

    fn at(&mut self, method: &str, uri: &str, (line, character): (usize, usize)) -> Json {
        let position = json!({"line": line, "character": character});
        self.ask(
            method,
            json!({"textDocument": {"uri": uri}, "position": position}),
        )
    }

    /// The words that an editor proposes at a place.
    fn proposals(&mut self, uri: &str, place: (usize, usize)) -> Vec<String> {
        let found = self.at("textDocument/completion", uri, place);
        let items = found["items"].as_array().unwrap();
        let label = |item: &Json| item["label"].as_str().unwrap().to_owned();
        items.iter().map(label).collect()
    }
}

/// The user's settings: as they are, but that no catalogue of schemas is fetched.
fn settings(item: &Json) -> Json {
    match item["section"].as_str() {
        Some("yaml") => json!({
            "schemaStore": {"enable": false},
            "validate": true,
            "hover": true,
            "completion": true,
        }),
        _ => json!({}),
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One message with its header; nothing at the end.
fn read(output: &mut BufReader<ChildStdout>) -> Option<Json> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        if let Some(bytes) = line.strip_prefix("Content-Length: ") {
            length = bytes.trim().parse().ok()?;
        }
    }
    let mut text = vec![0; length];
    output.read_exact(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Where a text begins in a document.
fn place(document: &str, text: &str) -> (usize, usize) {
    let at = document.find(text).unwrap();
    let before = &document[..at];
    let line = before.matches('\n').count();
    (line, at - before.rfind('\n').map_or(0, |end| end + 1))
}

/// A new project's files complete, explain themselves and are checked while somebody types, without any setting.
#[test]
fn an_editor_completes_explains_and_checks_a_new_project() {
    oracles::needs([SERVER]);
    let scratch = tempfile::tempdir().unwrap();
    nodebake(scratch.path(), &["init", "p"]).good();
    let project = scratch.path().join("p");
    let uri = |name: &str| format!("file://{}/{name}", project.display());
    let inventory = std::fs::read_to_string(project.join("cluster.yaml")).unwrap();
    let mut server = Server::start(&project);
    assert_eq!(server.open(&uri("cluster.yaml"), &inventory), [""; 0]);

    let changed = inventory.replacen("tokens:\n", "tokens:\n  \n", 1);
    let changed = changed.replacen("maxPods: 60", "maxPods: many, maxPod: 5", 1);
    let file = uri("changed.yaml");
    let wrong = server.open(&file, &changed);
    let has = |part: &str| wrong.iter().any(|one| one.contains(part));
    assert!(
        has("maxPod is not allowed") && wrong.len() == 2,
        "{wrong:?}"
    );

    let (line, _) = place(&changed, "tokens:\n");
    let keys = server.proposals(&file, (line + 1, 2));
    assert!(keys.contains(&"usages".to_owned()), "{keys:?}");
    assert!(!keys.contains(&"serviceCIDRs".to_owned()), "{keys:?}");
    let (line, column) = place(&changed, "review ");
    let words = server.proposals(&file, (line, column));
    assert!(words.contains(&"auto".to_owned()), "{words:?}");
    let (line, column) = place(&changed, "bootWithin");
    let hover = server.at("textDocument/hover", &file, (line, column + 2));
    let said = hover["contents"].to_string();
    assert!(
        said.contains("how long after the build a node may still boot"),
        "{said}"
    );
}
