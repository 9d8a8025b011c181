//! Reading of a file, `.env` and variables, and making a configuration of them. Target: 1 ms for three sources.
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ringseal_config::{Composer, generate};

fn compose(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    };
    let yaml = "environment: production\nlog:\n  level: [info, hyper=warn]\n  handler: dual\n  rotation:\n    \
                max_bytes: 10 MiB\n    backup_count: 5\n  redact:\n    presets: default,payments\n";
    let yaml = file("o.yaml", &format!("{yaml}{}", generate::yaml_example().replace("\n", "\n# ")));
    let toml =
        file("o.toml", "environment = \"production\"\n[log]\nlevel = [\"info\", \"hyper=warn\"]\n");
    let dotenv = file(".env", &format!("LOG_FORMAT=ecs\n{}", generate::dotenv_example()));
    let variable = |name: &str| (name == "LOG_LEVEL").then(|| "debug,app::db=trace".to_owned());
    for (name, path) in [("yaml", &yaml), ("toml", &toml)] {
        let composer = Composer::new().file(path).dotenv(&dotenv).variables(variable);
        criterion.bench_function(&format!("compose/three sources, {name}"), |bencher| {
            bencher.iter(|| black_box(composer.compose().expect("a configuration")));
        });
        criterion.bench_function(&format!("compose and config/three sources, {name}"), |bencher| {
            bencher.iter(|| {
                let composed = composer.compose().expect("a configuration");
                black_box(composed.config().expect("a configuration"));
            });
        });
    }
}

criterion_group!(benches, compose);
criterion_main!(benches);
