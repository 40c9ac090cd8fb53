// The data sets that have a name. Data; every line can be checked against a public source.
//
// Sizes and checksums are of the files as they lie on the servers. Those marked `published` agree in several independent
// public projects (for TinyStories also in the file pointers of its own repository; for MNIST, Fashion-MNIST and CIFAR
// their MD5 are those of torchvision); no file but tinyshakespeare's was at hand when the table was made.

import { RequestError } from "../../errors.ts";
import { expectedOneOf } from "../../strict.ts";
import type { Download, NamedDataset } from "./namedDataset.ts";

const KARPATHY =
  "https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data";
const HUGGING_FACE = "https://huggingface.co/datasets";
const TINY_STORIES = `${HUGGING_FACE}/roneneldan/TinyStories/resolve/f54c09fd23315a6f9c86f9dc80f725de7d8f9c64`;
const WIKITEXT_S3 = "https://s3.amazonaws.com/research.metamind.io/wikitext";
const TORONTO = "https://www.cs.toronto.edu/~kriz";

/** First 90 million bytes, then 5, then 5: how results on the two Wikipedia files are published. */
const wikipediaSplit = { training: 90_000_000, validation: 5_000_000, test: 5_000_000 };

function published(
  file: string,
  bytes: number,
  sha256: string,
  urls: readonly string[],
): Omit<Download, "unpack"> {
  return { file, urls, bytes, sha256, checksum: "published" };
}

function wikitext(prefix: string, largest: number): NonNullable<Download["unpack"]> {
  const small = 4_000_000;
  return {
    kind: "zip",
    files: [
      { entry: `${prefix}/wiki.train.raw`, file: "train.txt", atMost: largest },
      { entry: `${prefix}/wiki.valid.raw`, file: "val.txt", atMost: small },
      { entry: `${prefix}/wiki.test.raw`, file: "test.txt", atMost: small },
    ],
  };
}

const storiesValidation = (file: string) =>
  published(file, 19_447_282, "94e431816c4cce81ff71e4408ff8d3bda9a42e8d2663986697c3954288cb38b4", [
    `${TINY_STORIES}/TinyStories-valid.txt`,
  ]);

const mnistFile = (file: string, bytes: number, sha256: string) =>
  published(file, bytes, sha256, [
    `https://ossci-datasets.s3.amazonaws.com/mnist/${file}`,
    `https://storage.googleapis.com/cvdf-datasets/mnist/${file}`,
  ]);

const fashionFile = (file: string, bytes: number, sha256: string) =>
  published(file, bytes, sha256, [
    `https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/${file}`,
    `http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/${file}`,
  ]);

/** Every data set that is known by name. */
export const namedDatasets: readonly NamedDataset[] = [
  {
    name: "tinyshakespeare",
    kind: "text",
    description: "plays of Shakespeare, 1.1 million characters, 65 different ones (Karpathy 2015)",
    licence: "public domain",
    downloads: [
      {
        file: "input.txt",
        urls: [`${KARPATHY}/tinyshakespeare/input.txt`],
        bytes: 1_115_394,
        sha256: "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        checksum: "computed",
      },
    ],
  },
  {
    name: "text8",
    kind: "text",
    description: "Wikipedia of 2006 as a to z and spaces, 100 million characters (Mahoney)",
    licence: "CC BY-SA, as Wikipedia",
    downloads: [
      {
        ...published(
          "text8.zip",
          31_344_016,
          "a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232",
          ["http://mattmahoney.net/dc/text8.zip", "https://mattmahoney.net/dc/text8.zip"],
        ),
        unpack: {
          kind: "zip",
          files: [
            {
              entry: "text8",
              file: "input.txt",
              atMost: 100_000_000,
              sha256: "6e890197040d37d85beb962ae1f041ff1d9a9ca8d20c7d99c85027eebf51dca7",
            },
          ],
        },
      },
    ],
    split: wikipediaSplit,
  },
  {
    name: "enwik8",
    kind: "text",
    description: "Wikipedia of 2006 as it is, XML and all, 100 million bytes (Mahoney; Hutter Prize)",
    licence: "CC BY-SA, as Wikipedia",
    downloads: [
      {
        ...published(
          "enwik8.zip",
          36_445_475,
          "547994d9980ebed1288380d652999f38a14fe291a6247c157c3d33d4932534bc",
          [
            "http://mattmahoney.net/dc/enwik8.zip",
            "https://mattmahoney.net/dc/enwik8.zip",
            "https://data.deepai.org/enwik8.zip",
          ],
        ),
        unpack: {
          kind: "zip",
          files: [
            {
              entry: "enwik8",
              file: "input.txt",
              atMost: 100_000_000,
              sha256: "2b49720ec4d78c3c9fabaee6e4179a5e997302b3a70029f30f2d582218c024a8",
            },
          ],
        },
      },
    ],
    split: wikipediaSplit,
  },
  {
    name: "tinystories",
    kind: "text",
    description: "2.1 million short stories written by GPT-3.5 and GPT-4 (Eldan and Li 2023)",
    licence: "CDLA-Sharing-1.0",
    downloads: [
      published(
        "train.txt",
        1_924_281_556,
        "c5cf5e22ff13614e830afbe61a99fbcbe8bcb7dd72252b989fa1117a368d401f",
        [`${TINY_STORIES}/TinyStories-train.txt`],
      ),
      storiesValidation("val.txt"),
    ],
  },
  {
    name: "tinystories-valid",
    kind: "text",
    description: "the validation stories of tinystories alone, 22 thousand: enough for a small model",
    licence: "CDLA-Sharing-1.0",
    downloads: [storiesValidation("input.txt")],
  },
  {
    name: "wikitext-2",
    kind: "text",
    description:
      "Wikipedia articles, 13 MB, words apart from punctuation, nothing replaced (Merity et al. 2016)",
    licence: "CC BY-SA 3.0 and GFDL",
    downloads: [
      {
        ...published(
          "wikitext-2-raw-v1.zip",
          4_721_645,
          "ef7edb566e3e2b2d31b29c1fdb0c89a4cc683597484c3dc2517919c615435a11",
          [
            "https://wikitext.smerity.com/wikitext-2-raw-v1.zip",
            `${HUGGING_FACE}/ggml-org/ci/resolve/927b3642933080f1b0e811e2f916e14c292992f9/wikitext-2-raw-v1.zip`,
            `${WIKITEXT_S3}/wikitext-2-raw-v1.zip`,
          ],
        ),
        unpack: wikitext("wikitext-2-raw", 20_000_000),
      },
    ],
  },
  {
    name: "wikitext-103",
    kind: "text",
    description: "28 thousand Wikipedia articles, 540 MB, as wikitext-2 (Merity et al. 2016)",
    licence: "CC BY-SA 3.0 and GFDL",
    downloads: [
      {
        ...published(
          "wikitext-103-raw-v1.zip",
          191_984_949,
          "91c00ae287f0d699e18605c84afc9e45c192bc6b7797ff8837e5474655a33794",
          [
            "https://wikitext.smerity.com/wikitext-103-raw-v1.zip",
            `${HUGGING_FACE}/mattdangerw/wikitext-103-raw/resolve/3555105b17ae31cc619a136fac72dbe2865c3738/wikitext-103-raw-v1.zip`,
            `${WIKITEXT_S3}/wikitext-103-raw-v1.zip`,
          ],
        ),
        unpack: wikitext("wikitext-103-raw", 600_000_000),
      },
    ],
  },
  {
    name: "mnist",
    kind: "images",
    description: "70,000 handwritten digits, 28 x 28, grey (LeCun et al. 1998)",
    licence: "commonly distributed as CC BY-SA 3.0",
    downloads: [
      mnistFile(
        "train-images-idx3-ubyte.gz",
        9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
      ),
      mnistFile(
        "train-labels-idx1-ubyte.gz",
        28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
      ),
      mnistFile(
        "t10k-images-idx3-ubyte.gz",
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
      ),
      mnistFile(
        "t10k-labels-idx1-ubyte.gz",
        4_542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
      ),
    ],
  },
  {
    name: "fashion-mnist",
    kind: "images",
    description: "70,000 pictures of clothes, 28 x 28, grey (Xiao et al. 2017)",
    licence: "MIT",
    downloads: [
      fashionFile(
        "train-images-idx3-ubyte.gz",
        26_421_880,
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
      ),
      fashionFile(
        "train-labels-idx1-ubyte.gz",
        29_515,
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
      ),
      fashionFile(
        "t10k-images-idx3-ubyte.gz",
        4_422_102,
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
      ),
      fashionFile(
        "t10k-labels-idx1-ubyte.gz",
        5_148,
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
      ),
    ],
  },
  {
    name: "cifar-10",
    kind: "images",
    description: "60,000 photographs of 10 kinds of things, 32 x 32, colour (Krizhevsky 2009)",
    licence: "none stated; for research, cite the report",
    downloads: [
      {
        ...published(
          "cifar-10-binary.tar.gz",
          170_052_171,
          "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
          [`${TORONTO}/cifar-10-binary.tar.gz`],
        ),
        unpack: {
          kind: "tar.gz",
          files: [
            ...[1, 2, 3, 4, 5].map((part) => `data_batch_${part}.bin`),
            "test_batch.bin",
            "batches.meta.txt",
          ].map((file) => ({ entry: `cifar-10-batches-bin/${file}`, file, atMost: 30_730_000 })),
        },
      },
    ],
  },
  {
    name: "cifar-100",
    kind: "images",
    description: "60,000 photographs of 100 kinds of things, 32 x 32, colour (Krizhevsky 2009)",
    licence: "none stated; for research, cite the report",
    downloads: [
      {
        ...published(
          "cifar-100-binary.tar.gz",
          168_513_733,
          "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
          [`${TORONTO}/cifar-100-binary.tar.gz`],
        ),
        unpack: {
          kind: "tar.gz",
          files: ["train.bin", "test.bin", "fine_label_names.txt", "coarse_label_names.txt"].map((file) => ({
            entry: `cifar-100-binary/${file}`,
            file,
            atMost: 153_700_000,
          })),
        },
      },
    ],
  },
];

export function namedDataset(name: string): NamedDataset | undefined {
  return namedDatasets.find((dataset) => dataset.name === name);
}

/** Errors: RequestError for a name that is not in the table, with the nearest one. */
export function requireNamed(name: string): NamedDataset {
  const dataset = namedDataset(name);
  if (dataset !== undefined) return dataset;
  const names = namedDatasets.map((known) => known.name);
  throw new RequestError(`data: no data set is called ${name}; ${expectedOneOf(name, names)}`);
}
