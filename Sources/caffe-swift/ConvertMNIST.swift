import ArgumentParser
import Caffe

struct ConvertMNIST: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert-mnist",
    abstract: "Make a database from MNIST's idx files, plain or gzipped.",
    discussion: """
      Example: caffe-swift convert-mnist train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz mnist_train_lmdb

      The records are those of Caffe's convert_mnist_data: keys 00000000, 00000001, …, one Datum of \
      bytes each. The database appears only when it is complete.
      """,
    aliases: ["convert-mnist-data", "convert_mnist_data"])

  @OptionGroup var files: MNISTFiles

  @Option(help: "The kind of database.")
  var backend = WritableDatabase.lmdb

  func run() throws {
    let progress = Progress("images")
    let count = try MNISTConversion.convert(
      images: files.images, labels: files.labels, to: files.database, as: backend,
      progress: progress.update)
    progress.finish()
    print("\(files.database): \(count) records")
  }
}

/// What a database is made of, and its name.
struct MNISTFiles: ParsableArguments {
  @Argument(help: "Images: idx with three dimensions, magic 2051.")
  var images: String

  @Argument(help: "Labels: idx with one dimension, magic 2049.")
  var labels: String

  @Argument(help: "The database to make, which must not exist.")
  var database: String
}
