# Datasets that become one array, and those that stay encoded, which are prepared to other outputs.
ARRAYS = [name for name, dataset in STUDY.datasets.items() if not dataset.encoded]
ENCODED = [name for name, dataset in STUDY.datasets.items() if dataset.encoded]
NOTHING = "(?!)"  # an expression that no name matches

# The user's own images are an input; what a source may have to fetch cannot be.
OWN = {name: d.path for name, d in STUDY.datasets.items() if d.source == "folder"}


rule prepare:
    input:
        lambda w: OWN.get(w.dataset, []),
    output:
        card=f"{DATA}/{{dataset}}/card.json",
        images=f"{DATA}/{{dataset}}/images.npy",
        labels=f"{DATA}/{{dataset}}/labels.npy",
        splits=f"{DATA}/{{dataset}}/splits.npy",
    log:
        f"{LOGS}/prepare/{{dataset}}.log",
    benchmark:
        f"{LOGS}/prepare/{{dataset}}.tsv"
    wildcard_constraints:
        dataset="|".join(ARRAYS) or NOTHING,
    conda:
        "../../environment.yml"
    threads: threads_of("prepare")
    resources:
        **resources_of("prepare"),
    params:
        study=STUDY_FILE,
        folder=lambda w, output: Path(output.card).parent,
        slice=lambda w: depends_on(prepare_keys(w.dataset)),
    message:
        "prepare {wildcards.dataset}"
    shell:
        "python -m entrec prepare --study {params.study} --dataset {wildcards.dataset}"
        " --output {params.folder} &> {log}"


use rule prepare as prepare_encoded with:
    output:
        card=f"{DATA}/{{dataset}}/card.json",
        images=directory(f"{DATA}/{{dataset}}/images"),
        labels=f"{DATA}/{{dataset}}/labels.npy",
        splits=f"{DATA}/{{dataset}}/splits.npy",
    wildcard_constraints:
        dataset="|".join(ENCODED) or NOTHING,
