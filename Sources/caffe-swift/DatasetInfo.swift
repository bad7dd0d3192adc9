import ArgumentParser
import Caffe
import Foundation

struct DatasetInfo: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Count the records of a database, their shapes and labels; mean and spread.",
    discussion: """
      Examples: caffe-swift dataset info train_lmdb
                caffe-swift dataset info 'cifar-10-batches-bin/data_batch_*.bin' --json

      Reads LMDB, LevelDB, idx and CIFAR-10 files. Exits with status 1 if records are damaged.
      """)

  @Argument(help: "The database.")
  var database: String

  @Flag(help: "Write one JSON object.")
  var json = false

  func run() throws {
    let records = try DatabaseKind.open(database)
    let progress = Progress("records", of: try records.count)
    let summary = try DatasetSummary(of: records, progress: progress.update)
    progress.finish()
    if json { try writeJSON(summary) } else { write(summary) }
    if let damage = summary.firstDamage {
      throw CaffeError(
        "\(summary.damagedCount) of \(summary.count) records are damaged; the first: \(damage)",
        places: [database])
    }
  }

  private func write(_ summary: DatasetSummary) {
    let encoded = summary.encodedCount > 0 ? ", \(summary.encodedCount) of them image files" : ""
    print("\(database): \(summary.count) records\(encoded)")
    print("shapes (channels×height×width):")
    for (shape, count) in summary.shapes.sorted(by: { $0.value > $1.value }) {
      print("  \(shape): \(count)")
    }
    print("labels:")
    for (label, count) in summary.labels.sorted(by: { $0.key < $1.key }) {
      print("  \(label): \(count) (\(Text.number(100 * Float(count) / Float(summary.count))) %)")
    }
    print("channels:")
    for (channel, (mean, deviation)) in statistics(of: summary).enumerated() {
      print("  \(channel): mean \(Text.number(mean)), deviation \(Text.number(deviation))")
    }
  }

  private func statistics(of summary: DatasetSummary) -> Zip2Sequence<[Double], [Double]> {
    zip(summary.channelMeans, summary.channelDeviations)
  }

  /// What `--json` writes; the names are part of the command's contract.
  private struct Report: Encodable {
    let records: Int
    let damaged: Int
    let encoded: Int
    let shapes: [String: Int]
    let labels: [String: Int]
    let channelMean: [Double]
    let channelDeviation: [Double]
  }

  private func writeJSON(_ summary: DatasetSummary) throws {
    let shapes = summary.shapes.map { ("\($0.channels)x\($0.height)x\($0.width)", $1) }
    print(
      try JSONLine.text(
        Report(
          records: summary.count, damaged: summary.damagedCount, encoded: summary.encodedCount,
          shapes: Dictionary(uniqueKeysWithValues: shapes),
          labels: Dictionary(uniqueKeysWithValues: summary.labels.map { ("\($0)", $1) }),
          channelMean: summary.channelMeans, channelDeviation: summary.channelDeviations)))
  }
}
