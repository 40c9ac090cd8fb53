// What is known of a data set before it is here: where it can be had, how large it must be, how to recognise it.

/** A file inside an archive, and what it is called here. */
export interface PackedFile {
  /** Its exact path in the archive. */
  readonly entry: string;
  readonly file: string;
  /** Bytes; an archive that unpacks to more is refused. */
  readonly atMost: number;
  /** Of the file itself, where it is published. */
  readonly sha256?: string;
}

/** A file to be fetched, and how it is recognised. */
export interface Download {
  /** What it is called in the data set's folder. */
  readonly file: string;
  /** Addresses of the same bytes, the best first. */
  readonly urls: readonly string[];
  readonly bytes: number;
  readonly sha256: string;
  /**
   * `computed` here from the file, or `published`: found the same in several independent public projects, never computed
   * by those who made this table.
   */
  readonly checksum: "computed" | "published";
  /** An archive: what is taken out of it. Absent: the file is used as it is. */
  readonly unpack?: { readonly kind: "zip" | "tar.gz"; readonly files: readonly PackedFile[] };
}

/** A published data set that can be fetched by name. */
export interface NamedDataset {
  readonly name: string;
  readonly kind: "text" | "images";
  /** What it is, one line. */
  readonly description: string;
  readonly licence: string;
  readonly downloads: readonly Download[];
  /**
   * Bytes of training, validation and test text in `input.txt`, in this order, where everybody cuts it so. Absent:
   * `train.txt` and `val.txt` are apart, or the last tenth of `input.txt` is for validation.
   */
  readonly split?: { readonly training: number; readonly validation: number; readonly test: number };
}

/** The files of a data set as they lie in its folder when all is done. */
export function filesOf({ downloads }: NamedDataset): string[] {
  return downloads.flatMap(({ file, unpack }) =>
    unpack === undefined ? [file] : unpack.files.map((packed) => packed.file),
  );
}

/** Bytes to fetch in all. */
export function downloadBytes({ downloads }: NamedDataset): number {
  return downloads.reduce((total, { bytes }) => total + bytes, 0);
}

/** 31,344,016 as bytes are written where every one of them counts. */
export function exactBytes(bytes: number): string {
  return `${bytes.toLocaleString("en-US")} bytes`;
}
