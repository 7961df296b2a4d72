"""Which figures were measured when, on what, and which are older than the code they measured."""

from benchmarks import provenance
from benchmarks.parsers import command_parser


def main() -> int:
    """Print the list, or write the captions of the tables of speeds."""
    parser = command_parser("benchmarks", __doc__)
    parser.add_argument("--write", action="store_true", help="date and processor below the tables")
    if not parser.parse_args().write:
        print("\n".join(provenance.report()))
        return 0
    from zoo.reproduction.tables import write_table

    for name, document in provenance.CAPTIONS.items():
        text = provenance.caption(provenance.FOLDER / f"{name}.csv")
        write_table(text, provenance.FOLDER.parent / "docs" / document, f"{name}-measured")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
