//! Writes the seeds to `fuzz/corpus/<target>/`.
use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let seeds = [
        ("audit_verify", ringseal_fuzz::audit::changes()),
        ("checkpoint_parse", ringseal_fuzz::audit::scene().checkpoint_seeds()),
        ("proof_parse", ringseal_fuzz::audit::scene().proof_seeds()),
        ("peek_live", ringseal_fuzz::homes::peek::seeds()),
        ("record_parse", ringseal_fuzz::seeds::ring_stretches()),
        ("recover_home", ringseal_fuzz::homes::recover::seeds()),
        ("sites_parse", ringseal_fuzz::sites::seeds()),
        ("json_vs_oracle", ringseal_fuzz::seeds::noise()),
        ("kv_in_text", ringseal_fuzz::seeds::noise()),
        ("redact_vs_naive", ringseal_fuzz::seeds::texts()),
        ("traceparent", ringseal_fuzz::trace::seeds()),
        ("rules_parse", ringseal_fuzz::seeds::rule_files()),
    ];
    for (target, inputs) in seeds {
        let directory = corpus.join(target);
        fs::create_dir_all(&directory)?;
        for (index, input) in inputs.iter().enumerate() {
            fs::write(directory.join(format!("seed-{index:02}")), input)?;
        }
        println!("{} seeds in {}", inputs.len(), directory.display());
    }
    Ok(())
}
