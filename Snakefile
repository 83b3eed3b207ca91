# The table of contents. The default study is params/demo.yaml. Another study is named after the targets, because
# --configfile takes every word that follows it:
#     snakemake all --configfile params/fashion.yaml
# `snakemake theory` makes the theory studies of params/theory.yaml, whichever study is named. The settings of the
# machine are in workflow/profiles/, and `snakemake --list-rules` describes every rule.


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/pretrain.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/theory.smk"


rule all:
    """Everything of the study: results, tables and page."""
    default_target: True
    input:
        JOBS.all().inputs,


check_targets(workflow)


onstart:
    record_owner(STUDY_FILE, STUDY)
