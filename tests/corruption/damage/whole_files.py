"""Damages of a file as a whole: cut, garbled, in another encoding, something else."""

import polars as pl
from delivery import Files, frame_of, with_frame

from damage.registry import FILES, Draw, Target, damage


@damage
def cut_at_any_byte(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    return {**files, name: files[name][: int(draw.uniform(0.02, 0.98) * len(files[name]))]}


@damage
def cut_after_a_line(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    lines = files[name].splitlines(keepends=True)
    return {**files, name: b"".join(lines[: max(int(draw.uniform(0.1, 0.95) * len(lines)), 2)])}


@damage
def first_half_missing(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(("prices.csv", "statements.csv", "rates.csv")))
    lines = files[name].splitlines(keepends=True)
    return {**files, name: b"".join([lines[0], *lines[int(draw.uniform(0.3, 0.9) * len(lines)) :]])}


@damage
def empty_file(files: Files, draw: Draw, _: Target) -> Files:
    return {**files, str(draw.choice(FILES)): b""}


@damage
def only_a_header(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    return {**files, name: files[name].splitlines(keepends=True)[0]}


@damage
def missing_file(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    return {each: content for each, content in files.items() if each != name}


@damage
def utf16(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    return {**files, name: files[name].decode().encode("utf-16")}


@damage
def garbled_bytes(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    content = bytearray(files[name])
    for place in draw.integers(len(files[name]) // 10, len(content), int(draw.integers(1, 30))):
        content[place] = int(draw.integers(128, 256))
    return {**files, name: bytes(content)}


@damage
def zero_bytes(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    place = int(draw.uniform(0.2, 0.9) * len(files[name]))
    return {**files, name: files[name][:place] + b"\0" * 200 + files[name][place + 200 :]}


@damage
def byte_order_mark(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    return {**files, name: b"\xef\xbb\xbf" + files[name]}


@damage
def mixed_line_ends(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    lines = files[name].split(b"\n")
    return {**files, name: b"\n".join(line + b"\r" if line and draw.random() < 0.5 else line for line in lines)}


@damage
def old_mac_line_ends(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    return {**files, name: files[name].replace(b"\n", b"\r")}


@damage
def semicolons(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    return {**files, name: files[name].replace(b",", b";")}


@damage
def an_error_page(files: Files, draw: Draw, _: Target) -> Files:
    return {**files, str(draw.choice(FILES)): b"<html><body><h1>503 Service Unavailable</h1></body></html>\n"}


@damage
def a_total_at_the_end(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    return {**files, name: files[name] + f"# {int(draw.integers(1000, 9999))} rows\n".encode()}


@damage
def header_repeated_in_the_middle(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    lines = files[name].splitlines(keepends=True)
    place = int(draw.integers(2, len(lines)))
    return {**files, name: b"".join([*lines[:place], lines[0], *lines[place:]])}


@damage
def a_field_too_many(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    lines = files[name].splitlines()
    lines[int(draw.integers(1, len(lines)))] += b",7"
    return {**files, name: b"\n".join(lines) + b"\n"}


@damage
def quoted_line_break(files: Files, draw: Draw, target: Target) -> Files:
    rows, symbol = frame_of(files, "prices.csv"), target.name(draw)
    hit = pl.col("vendor_symbol") == symbol
    return with_frame(
        files, "prices.csv", rows.with_columns(pl.when(hit).then(pl.lit(f"{symbol}\n")).otherwise("vendor_symbol").alias("vendor_symbol"))
    )


@damage
def an_open_quote(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    lines = files[name].splitlines(keepends=True)
    place = int(draw.integers(1, len(lines)))
    lines[place] = b'"' + lines[place]
    return {**files, name: b"".join(lines)}
