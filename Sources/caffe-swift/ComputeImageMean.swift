import ArgumentParser
import Caffe
import Logging

struct ComputeImageMean: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compute-image-mean",
    abstract: "The mean of all images of a database, as a file for mean_file and by channel.",
    discussion: """
      Example: caffe-swift compute-image-mean train_lmdb mean.binaryproto

      Reads LMDB, LevelDB, idx and CIFAR-10 files; sums in double precision.
      """,
    aliases: ["compute_image_mean"])

  @Argument(help: "The database.")
  var database: String

  @Argument(help: "The file to write; it appears only when it is complete.")
  var output: String?

  @Option(help: "Accepted for scripts written for Caffe; the kind of database is recognised.")
  var backend = "lmdb"

  func run() throws {
    let log = Logger(label: "caffe")
    let records = try DatabaseKind.open(database)
    let progress = Progress("files", of: try records.count)
    let mean = try ImageMean(of: records, progress: progress.update)
    progress.finish()
    if let output {
      log.info("Write to \(output)")
      try mean.blob.binary().withUnsafeBytes { try AtomicFile.write(output, $0) }
    }
    log.info("Number of channels: \(mean.extents.channels)")
    for (channel, value) in mean.channelMeans.enumerated() {
      log.info("mean_value channel [\(channel)]: \(Text.number(Float(value)))")
    }
  }
}
