import ArgumentParser
import Caffe

struct ConvertCIFAR: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert-cifar",
    abstract: "Make databases of CIFAR-10's binary files.",
    discussion: """
      Example: caffe-swift convert-cifar cifar-10-batches-bin . lmdb

      Makes cifar10_train_lmdb of data_batch_1.bin to data_batch_5.bin and cifar10_test_lmdb of \
      test_batch.bin. The records are those of Caffe's convert_cifar_data: keys 00000, 00001, …, red, \
      green and blue planes of bytes. Each database appears only when it is complete.
      """,
    aliases: ["convert-cifar-data", "convert_cifar_data"])

  @Argument(help: "The folder with CIFAR-10's binary files.")
  var input: String

  @Argument(help: "The folder to make the databases in.")
  var output: String

  @Argument(help: "The kind of database: lmdb or leveldb.")
  var backend = WritableDatabase.lmdb

  func run() throws {
    for part in CIFARConversion.parts {
      let path = "\(output)/\(part.database(backend))"
      let database = try part.read(input)
      let progress = Progress("images", of: database.count)
      let count = try CIFARConversion.convert(
        database, to: path, as: backend, progress: progress.update)
      progress.finish()
      print("\(path): \(count) records")
    }
  }
}
