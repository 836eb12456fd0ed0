"""Writes the sample files of the formats page anew: python -m tests.lab_files

Values are those of patients of GSE7390, in the shape, with the names and in the unit of each program.
"""

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import xlsxwriter

from predictions.intake import samples
from tests.panels import age_of, transbig, values_of

FOLDER = Path(samples.__file__).parent
PATIENTS = (0, 5, 9, 23, 41, 77)
# Genes that are not of the panel, with their Ensembl identifiers, among which a lab's file has it.
OTHERS = {
    "ACTB": "ENSG00000075624",
    "AURKA": "ENSG00000087586",
    "B2M": "ENSG00000166710",
    "BIRC5": "ENSG00000089685",
    "BRCA1": "ENSG00000012048",
    "BRCA2": "ENSG00000139618",
    "CCND1": "ENSG00000110092",
    "CDH1": "ENSG00000039068",
    "EGFR": "ENSG00000146648",
    "ERBB2": "ENSG00000141736",
    "ESR1": "ENSG00000091831",
    "FOXA1": "ENSG00000129514",
    "GAPDH": "ENSG00000111640",
    "GATA3": "ENSG00000107485",
    "MKI67": "ENSG00000148773",
    "MYC": "ENSG00000136997",
    "PGR": "ENSG00000082175",
    "PTEN": "ENSG00000171862",
    "RB1": "ENSG00000139687",
    "TP53": "ENSG00000141510",
}
MODIFIED = datetime(2024, 3, 1, tzinfo=UTC)


@cache
def log2_values(patient: int) -> dict[str, float]:
    """Log2 intensity of the genes of the panel, and of others, by HGNC symbol."""
    drawn = np.random.default_rng(patient).normal(8, 1.5, len(OTHERS)).round(4).tolist()
    values = {**values_of(patient), **dict(zip(OTHERS, drawn, strict=True))}
    return {symbol: round(values[symbol], 6) for symbol in sorted(values)}


@cache
def ensembl_ids() -> Mapping[str, str]:
    """With a version, as in a GENCODE annotation."""
    panel = {gene.symbol: gene.ensembl_id for gene in transbig().panel}
    return {symbol: f"{name}.{7 + len(symbol)}" for symbol, name in sorted({**panel, **OTHERS}.items())}


def counts_of(patient: int) -> dict[str, int]:
    """Reads by symbol, of a library of some millions."""
    return {symbol: round(2 ** (value + 2)) for symbol, value in log2_values(patient).items()}


def tpm_of(patient: int) -> dict[str, float]:
    """Transcripts per million by symbol: what is not in this file has the rest of the million."""
    return {symbol: round(2**value / 20, 6) for symbol, value in log2_values(patient).items()}


def length_of(symbol: str) -> int:
    """Base pairs, made up."""
    return 900 + 137 * len(symbol) + ord(symbol[0])


def lines(*rows: str | Iterable[object]) -> bytes:
    """Rows of tab-separated cells as a file."""
    return "".join(
        f"{row if isinstance(row, str) else chr(9).join(map(str, row))}\n" for row in rows
    ).encode()


def gene_values() -> bytes:
    rows = "".join(f"{symbol},{value}\n" for symbol, value in log2_values(0).items())
    return f"gene,value\n{rows}".encode()


def samples_in_rows() -> bytes:
    symbols = list(log2_values(0))
    rows = [
        ",".join(map(str, (f"S{patient:03}", age_of(patient), *log2_values(patient).values())))
        for patient in PATIENTS
    ]
    return "\n".join([",".join(["sample_id", "age", *symbols]), *rows, ""]).encode()


def genes_in_rows() -> bytes:
    entrez = {gene.symbol: gene.entrez_id for gene in transbig().panel}
    header = ("Hugo_Symbol", "Entrez_Gene_Id", *(f"S{patient:03}" for patient in PATIENTS))
    return lines(
        header,
        *(
            (symbol, entrez.get(symbol, ""), *(log2_values(patient)[symbol] for patient in PATIENTS))
            for symbol in log2_values(0)
        ),
    )


def xlsx() -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        book.set_properties({"created": MODIFIED.replace(tzinfo=None)})
        sheet = book.add_worksheet("Panel")
        for row, cells in enumerate([("gene", "S000"), *log2_values(0).items()]):
            sheet.write_row(row, 0, cells)
    return file.getvalue()


def gct() -> bytes:
    header = ("Name", "Description", *(f"S{patient:03}" for patient in PATIENTS))
    rows = [
        (ensembl_ids()[symbol], symbol, *(log2_values(patient)[symbol] for patient in PATIENTS))
        for symbol in log2_values(0)
    ]
    return lines("#1.2", (len(rows), len(PATIENTS)), header, *rows)


def salmon() -> bytes:
    header = ("Name", "Length", "EffectiveLength", "TPM", "NumReads")
    return lines(
        header,
        *(
            (ensembl_ids()[s], length_of(s), f"{length_of(s) - 199:.3f}", tpm, f"{counts_of(0)[s]:.3f}")
            for s, tpm in tpm_of(0).items()
        ),
    )


def kallisto() -> bytes:
    """Two transcripts of each gene, named as in GENCODE's FASTA file."""
    header = ("target_id", "length", "eff_length", "est_counts", "tpm")
    rows = []
    for number, (s, tpm) in enumerate(tpm_of(0).items()):
        for part, share in enumerate((0.75, 0.25)):
            transcript = f"ENST{2 * number + part + 200_000:011}.{part + 1}"
            name = f"{transcript}|{ensembl_ids()[s]}|-|-|{s}-20{part + 1}|{s}|{length_of(s)}|protein_coding|"
            count = round(counts_of(0)[s] * share, 3)
            rows.append((name, length_of(s), length_of(s) - 199, count, f"{tpm * share:.6g}"))
    return lines(header, *rows)


def rsem() -> bytes:
    header = ("gene_id", "transcript_id(s)", "length", "effective_length", "expected_count", "TPM", "FPKM")
    return lines(
        header,
        *(
            (
                ensembl_ids()[s],
                f"ENST{n + 300_000:011}.1",
                f"{length_of(s):.2f}",
                f"{length_of(s) - 199:.2f}",
                f"{counts_of(0)[s]:.2f}",
                f"{tpm:.2f}",
                f"{tpm * 0.8:.2f}",
            )
            for n, (s, tpm) in enumerate(tpm_of(0).items())
        ),
    )


def nf_core() -> bytes:
    header = ("gene_id", "gene_name", *(f"S{patient:03}" for patient in PATIENTS))
    return lines(
        header,
        *((ensembl_ids()[s], s, *(tpm_of(patient)[s] for patient in PATIENTS)) for s in log2_values(0)),
    )


def star() -> bytes:
    """A library of the reverse strand, as most kits make them today."""
    summary = [
        ("N_unmapped", 61204, 61204, 61204),
        ("N_multimapping", 95310, 95310, 95310),
        ("N_noFeature", 120331, 812004, 130112),
        ("N_ambiguous", 30122, 1211, 9022),
    ]
    return lines(
        *summary,
        *((ensembl_ids()[s], count, count // 50, count - count // 50) for s, count in counts_of(0).items()),
    )


def feature_counts() -> bytes:
    command = '# Program:featureCounts v2.0.6; Command:"featureCounts" "-a" "a.gtf" "-o" "c.txt" "S000.bam"'
    header = ("Geneid", "Chr", "Start", "End", "Strand", "Length", "S000.bam")
    return lines(
        command,
        header,
        *(
            (ensembl_ids()[s], "chr1;chr1", "1000;3000", "1500;3900", "+;+", length_of(s), count)
            for s, count in counts_of(0).items()
        ),
    )


def htseq() -> bytes:
    last = (
        ("__no_feature", 120331),
        ("__ambiguous", 30122),
        ("__too_low_aQual", 0),
        ("__not_aligned", 61204),
        ("__alignment_not_unique", 95310),
    )
    return lines(*((ensembl_ids()[s], count) for s, count in counts_of(0).items()), *last)


def rcc(patient: int = 0) -> bytes:
    """One lane of a CodeSet with the genes of the panel."""
    concentrations = {"A": "128", "B": "32", "C": "8", "D": "2", "E": "0.5", "F": "0.125"}
    codes = [
        f"Positive,POS_{letter}({c}),ERCC_{n:05}.1,{round(float(c) * 260 + patient + 2)}"
        for n, (letter, c) in enumerate(concentrations.items(), start=117)
    ]
    codes += [
        f"Negative,NEG_{letter}(0),ERCC_{n:05}.1,{n % 9 + 4}" for n, letter in enumerate("ABCDEFGH", 96)
    ]
    counts = counts_of(patient)
    for n, (symbol, count) in enumerate(counts.items(), start=1):
        code = "Housekeeping" if symbol in {"ACTB", "B2M", "GAPDH"} else "Endogenous"
        codes.append(f"{code},{symbol},NM_{n:06}.3,{count}")
    sections = {
        "Header": ["FileVersion,1.7", "SoftwareVersion,4.0.0.3"],
        "Sample_Attributes": [
            f"ID,S{patient:03}",
            "Owner,",
            "Comments,",
            "Date,20240301",
            "GeneRLF,Panel_C1234",
            "SystemAPF,n6_vDV1",
        ],
        "Lane_Attributes": [
            "ID,1",
            "FovCount,555",
            "FovCounted,551",
            "ScannerID,1207C0049",
            "StagePosition,3",
            "BindingDensity,0.87",
            "CartridgeID,CartridgeA",
            "CartridgeBarcode,",
        ],
        "Code_Summary": ["CodeClass,Name,Accession,Count", *codes],
        "Messages": [],
    }
    text = "".join(
        f"<{name}>\n" + "".join(f"{row}\n" for row in rows) + f"</{name}>\n\n"
        for name, rows in sections.items()
    )
    return text.encode()


def rcc_zip() -> bytes:
    """Several lanes."""
    return zipped({f"lane-{patient:03}.RCC": rcc(patient) for patient in PATIENTS})


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip file without the time of day in it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, MODIFIED.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def series_matrix() -> bytes:
    probe_sets = {gene.symbol: gene.probe_sets for gene in transbig().panel}
    names = [f"GSM{177885 + patient}" for patient in PATIENTS]

    def quoted(key: str, *cells: str) -> str:
        return "\t".join([key, *(f'"{cell}"' for cell in cells)])

    table = [
        "\t".join([f'"{probe_set}"', *(str(log2_values(patient)[symbol]) for patient in PATIENTS)])
        for symbol, of_gene in probe_sets.items()
        for probe_set in of_gene
    ]
    return lines(
        quoted("!Series_title", "Strong time dependence of the 76-gene prognostic signature"),
        quoted("!Series_geo_accession", "GSE7390"),
        quoted("!Series_platform_id", "GPL96"),
        "",
        quoted("!Sample_title", *(f"TBIG_{patient}" for patient in PATIENTS)),
        quoted("!Sample_geo_accession", *names),
        quoted("!Sample_characteristics_ch1", *(f"age: {age_of(patient)}" for patient in PATIENTS)),
        quoted("!Sample_data_processing", *(["MAS 5.0, log2 transformed"] * len(PATIENTS))),
        quoted("!Sample_platform_id", *(["GPL96"] * len(PATIENTS))),
        "!series_matrix_table_begin",
        quoted("ID_REF", *names),
        *table,
        "!series_matrix_table_end",
    )


def h5ad(layout: str = "csr_matrix", *, layers: bool = False) -> bytes:
    """Dense ("array"), or sparse by rows or columns; log2 values, with a layer of counts if wanted."""
    file = io.BytesIO()
    symbols = list(log2_values(0))
    values = np.array([list(log2_values(patient).values()) for patient in PATIENTS], dtype=np.float32)
    counts = np.array([list(counts_of(patient).values()) for patient in PATIENTS], dtype=np.float32)
    with h5py.File(file, "w") as root:
        root.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        _matrix(root, "X", values, layout)
        _frame(root, "obs", [f"S{patient:03}" for patient in PATIENTS])
        var = _frame(root, "var", [ensembl_ids()[symbol] for symbol in symbols])
        var.create_dataset("gene_name", data=symbols, dtype=h5py.string_dtype())
        if layers:
            _matrix(root.create_group("layers"), "counts", counts, layout)
    return file.getvalue()


def _frame(root: h5py.Group, name: str, index: list[str]) -> h5py.Group:
    frame = root.create_group(name)
    frame.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index"})
    frame.create_dataset("_index", data=index, dtype=h5py.string_dtype())
    return frame


def _matrix(group: h5py.Group, name: str, values: np.ndarray, layout: str) -> None:
    if layout == "array":
        group.create_dataset(name, data=values, compression="gzip").attrs["encoding-type"] = "array"
        return
    major = values if layout == "csr_matrix" else values.T
    matrix = group.create_group(name)
    matrix.attrs.update({"encoding-type": layout, "encoding-version": "0.1.0", "shape": values.shape})
    matrix.create_dataset("data", data=major[major != 0])
    matrix.create_dataset("indices", data=np.nonzero(major)[1].astype(np.int32))
    matrix.create_dataset("indptr", data=np.concatenate([[0], np.cumsum((major != 0).sum(axis=1))]))


FILES: Mapping[str, Callable[[], bytes]] = {
    "gene-values.csv": gene_values,
    "samples-in-rows.csv": samples_in_rows,
    "genes-in-rows.tsv": genes_in_rows,
    "panel.xlsx": xlsx,
    "expression.gct": gct,
    "quant.genes.sf": salmon,
    "abundance.tsv": kallisto,
    "genes.results": rsem,
    "salmon.merged.gene_tpm.tsv": nf_core,
    "ReadsPerGene.out.tab": star,
    "featurecounts.txt": feature_counts,
    "htseq-counts.txt": htseq,
    "lane.RCC": rcc,
    "lanes.zip": rcc_zip,
    "series_matrix.txt": series_matrix,
    "cohort.h5ad": h5ad,
}


if __name__ == "__main__":
    for name, make in FILES.items():
        (FOLDER / name).write_bytes(make())
