import ArgumentParser
import Caffe

struct ConvertMNISTSiamese: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert-mnist-siamese",
    abstract: "Make a database of random pairs of images from MNIST's idx files, for siamese nets.",
    discussion: """
      Example: caffe-swift convert-mnist-siamese train-images-idx3-ubyte.gz \
      train-labels-idx1-ubyte.gz mnist_siamese_train_leveldb

      The records are those of Caffe's convert_mnist_siamese_data: as many pairs as there are images, \
      under the keys 00000000, 00000001, …, one Datum of bytes each with an image a channel, and the \
      label 1 if both show the same class, otherwise 0. The database appears only when it is complete.
      """,
    aliases: ["convert-mnist-siamese-data", "convert_mnist_siamese_data"])

  @OptionGroup var files: MNISTFiles

  @Option(help: "The kind of database.")
  var backend = WritableDatabase.leveldb

  @Option(help: "Which random pairs; the same number gives the same pairs.")
  var seed: UInt64 = 1

  func run() throws {
    let progress = Progress("pairs")
    let count = try MNISTPairConversion.convert(
      images: files.images, labels: files.labels, to: files.database, as: backend, seed: seed,
      progress: progress.update)
    progress.finish()
    print("\(files.database): \(count) records")
  }
}
