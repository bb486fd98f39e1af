"""Sets one paper: a program of its own, given its template's path, its values on standard input, the PDF on standard
output.

typst keeps what it has set for as long as its process lives, and that is a hundred kilobytes for each line: in the
server's process every statement would stay in memory for good. This one ends with its paper.
"""

import sys

import typst


def main(template: str, tagged: str) -> None:
    """`tagged`: "tags" marks what each text is, for programs that read aloud."""
    made = typst.compile(
        template,
        sys_inputs={"values": sys.stdin.buffer.read().decode()},
        ignore_system_fonts=True,
        pdf_tags=tagged == "tags",
    )
    sys.stdout.buffer.write(made)


if __name__ == "__main__":
    main(*sys.argv[1:])
