//! Rows about serving: one TLS 1.3 download of the sealed object, from `sealift-server` and from nginx.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::meter::{Cost, cpu_seconds, measure, median, peak_mib, stopwatch};
use super::{Args, Row};
use crate::failure::Failure;
use crate::tree;

pub(super) const LIMIT: &str = "nginx";
pub(super) const SERVER: &str = "sealift-server";
const TARGET: &str = "bench/image.bin";
/// One cipher for both, so that not the negotiation is compared.
const CIPHER: &str = "TLS_AES_256_GCM_SHA384";
const NGINX_PORT: u16 = 18_443;
const STARTING: Duration = Duration::from_secs(20);

pub(super) fn rows(args: &Args, binaries: &Path, dir: &Path) -> Result<Vec<Row>, Failure> {
    let keys = tree::root().join("keys-example");
    let site = Site { binaries, dir, keys };
    let object = site.publish()?;
    let (server, operators) = site.start_server()?;
    let nginx = match site.start_nginx() {
        Ok(nginx) => Some(nginx),
        Err(why) => {
            println!("bench: nginx is left out: {why}");
            None
        }
    };
    let ours = format!("https://{operators}/repo/targets/{object}");
    let theirs = format!("https://127.0.0.1:{NGINX_PORT}/{object}");
    let (mut our_costs, mut their_costs) = (Vec::new(), Vec::new());
    for _ in 0..args.runs {
        if let Some(nginx) = &nginx {
            their_costs.push(site.download(&theirs, nginx)?);
        }
        our_costs.push(site.download(&ours, &server)?);
    }
    let mut rows = Vec::new();
    if nginx.is_some() {
        rows.push(Row::new(LIMIT, LIMIT, median(&their_costs)));
    }
    rows.push(Row::new(SERVER, LIMIT, median(&our_costs)));
    Ok(rows)
}

/// A repository and the programs that serve it, all below one directory.
struct Site<'a> {
    binaries: &'a Path,
    dir: &'a Path,
    keys: PathBuf,
}

impl Site<'_> {
    /// Publishes the image; returns the name of the object below `targets/`.
    fn publish(&self) -> Result<String, Failure> {
        let repository = format!("file://{}/store", self.dir.display());
        let root = self.dir.join("1.root.json");
        let online = |command: &mut Command| {
            for role in ["targets", "snapshot", "timestamp"] {
                command
                    .arg(format!("--{role}-key"))
                    .arg(self.keys.join(format!("image/{role}.pem")));
            }
        };
        fs::create_dir_all(self.dir.join("store"))?;
        let mut init = self.sealift(&["repo", "init", "--repository", &repository, "--root-out"]);
        init.arg(&root)
            .arg("--root-key")
            .arg(self.keys.join("image/root.pem"));
        online(&mut init);
        measure(&mut init)?;
        let fixed = [
            "--path",
            TARGET,
            "--hardware-id",
            "bench",
            "--release-counter",
            "1",
            "--version",
            "1",
        ];
        let mut add = self.sealift(&["target", "add", "--repository", &repository, "--root"]);
        add.arg(&root)
            .args(fixed)
            .arg("--director")
            .arg(self.keys.join("kek.pub.pem"));
        online(&mut add);
        add.arg(self.dir.join("plain"));
        measure(&mut add)?;
        let mut director = self.sealift(&["director", "init", "--out"]);
        director
            .arg(self.dir.join("director"))
            .arg("--root-key")
            .arg(self.keys.join("director/root.pem"));
        for role in ["targets", "snapshot", "timestamp"] {
            director
                .arg(format!("--{role}-key"))
                .arg(self.keys.join(format!("director/{role}.pem")));
        }
        measure(&mut director)?;
        let directory = self.dir.join("store/repo/targets/bench");
        let mut names = fs::read_dir(&directory).map_err(|error| Failure::at(directory.display(), error))?;
        let name = names
            .next()
            .ok_or_else(|| Failure::new("nothing was published"))??
            .file_name();
        Ok(format!("bench/{}", name.to_string_lossy()))
    }

    fn sealift(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.binaries.join("sealift"));
        command.args(["--demo", "--quiet"]).args(args);
        command.env("SEALIFT_STATE", self.dir.join("state"));
        command
    }

    fn start_server(&self) -> Result<(Running, String), Failure> {
        let key = |name: &str| self.keys.join(name).display().to_string();
        let dir = self.dir.display();
        let (certificate, private, client_ca) = (
            key("tls/server.pem"),
            key("tls/server.key.pem"),
            key("fleet/ca.pem"),
        );
        let online = |repository: &str| {
            let line =
                |role: &str| format!("{role}_key = \"{}\"\n", key(&format!("{repository}/{role}.pem")));
            line("snapshot") + &line("timestamp")
        };
        let config = format!(
            "data_dir = \"{dir}/data\"\ndemo = true\n\
             [vehicles]\nlisten = \"127.0.0.1:0\"\ncertificate = \"{certificate}\"\nkey = \"{private}\"\n\
             client_ca = \"{client_ca}\"\npublic_url = \"https://localhost\"\n\
             [operators]\nlisten = \"127.0.0.1:0\"\ncertificate = \"{certificate}\"\nkey = \"{private}\"\n\
             [telemetry]\nlisten = \"127.0.0.1:0\"\n\
             [repository]\nurl = \"file://{dir}/store\"\nroot = \"{dir}/1.root.json\"\n{}\
             [director]\nroot = \"{dir}/director/1.root.json\"\ntargets_key = \"{}\"\n{}keks = [\"{}\"]\n",
            online("image"),
            key("director/targets.pem"),
            online("director"),
            key("kek.pem"),
        );
        let config_path = self.dir.join("server.toml");
        fs::write(&config_path, config)?;
        let ready = self.dir.join("ready.json");
        let log = fs::File::create(self.dir.join("server.log"))?;
        let mut command = Command::new(self.binaries.join("sealift-server"));
        command
            .arg("--config")
            .arg(config_path)
            .arg("--ready-file")
            .arg(&ready);
        let mut server = Running::start(command.stdout(log.try_clone()?).stderr(log))?;
        server.wait_for(|| ready.exists()).map_err(|failure| {
            let log = fs::read_to_string(self.dir.join("server.log")).unwrap_or_default();
            Failure::new(format!("{failure}\n{log}"))
        })?;
        let addresses: serde_json::Value = serde_json::from_slice(&fs::read(&ready)?)?;
        let operators = addresses.get("operators").and_then(serde_json::Value::as_str);
        let operators =
            operators.ok_or_else(|| Failure::new("the ready file names no operators' address"))?;
        Ok((server, operators.to_owned()))
    }

    fn start_nginx(&self) -> Result<Running, Failure> {
        let (dir, keys) = (self.dir.display(), self.keys.display());
        let config = format!(
            "daemon off;\nmaster_process off;\npid {dir}/nginx.pid;\nerror_log {dir}/nginx.log;\n\
             events {{ }}\nhttp {{\n access_log off;\n sendfile on;\n default_type application/octet-stream;\n\
             client_body_temp_path {dir}/n1;\n proxy_temp_path {dir}/n2;\n fastcgi_temp_path {dir}/n3;\n\
             uwsgi_temp_path {dir}/n4;\n scgi_temp_path {dir}/n5;\n\
             server {{\n listen 127.0.0.1:{NGINX_PORT} ssl;\n root {dir}/store/repo/targets;\n\
             ssl_certificate {keys}/tls/server.pem;\n ssl_certificate_key {keys}/tls/server.key.pem;\n\
             ssl_protocols TLSv1.3;\n }}\n}}\n"
        );
        let path = self.dir.join("nginx.conf");
        fs::write(&path, config)?;
        let mut command = Command::new("nginx");
        command
            .arg("-c")
            .arg(&path)
            .arg("-p")
            .arg(self.dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut nginx = Running::start(&mut command)?;
        nginx.wait_for(|| std::net::TcpStream::connect(("127.0.0.1", NGINX_PORT)).is_ok())?;
        Ok(nginx)
    }

    /// The wall time is the client's, CPU time and memory are the server's.
    fn download(&self, url: &str, server: &Running) -> Result<Cost, Failure> {
        let before = cpu_seconds(server.0.id())?;
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--fail",
            "--http1.1",
            "--tlsv1.3",
            "--tls13-ciphers",
            CIPHER,
            "--cacert",
        ]);
        let client = measure(
            curl.arg(self.keys.join("tls/ca.pem"))
                .args(["-o", "/dev/null", url]),
        )?;
        let id = server.0.id();
        Ok(Cost {
            wall_seconds: client.wall_seconds,
            cpu_seconds: cpu_seconds(id)? - before,
            peak_mib: peak_mib(id).unwrap_or_default(),
        })
    }
}

/// A server of ours, ended when dropped.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Result<Self, Failure> {
        let name = format!("{command:?}");
        command
            .stdin(Stdio::null())
            .spawn()
            .map(Self)
            .map_err(|error| Failure::at(name, error))
    }

    fn wait_for(&mut self, ready: impl Fn() -> bool) -> Result<(), Failure> {
        let start = stopwatch();
        while !ready() {
            if let Some(status) = self.0.try_wait()? {
                return Err(Failure::new(format!("it ended with {status}")));
            }
            if start.elapsed() > STARTING {
                return Err(Failure::new("it did not get ready"));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already ended is as good as ended now.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
