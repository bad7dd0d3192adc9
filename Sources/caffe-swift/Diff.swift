import ArgumentParser
import Caffe

struct Diff: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare two weight files blob by blob.",
    discussion: """
      Example: caffe-swift diff a.caffemodel b.caffemodel.h5 --tolerance 1e-6

      Binary protobuf and HDF5 may be compared with each other. Prints a line for each blob that \
      differs. Exits with status 1 if any does.
      """)

  @Argument(help: "The first file.")
  var first: String

  @Argument(help: "The second file.")
  var second: String

  @Option(help: "Differences up to this count as none.")
  var tolerance = 0.0

  @Flag(help: "Print blobs that are the same too.")
  var all = false

  func validate() throws {
    if !(tolerance >= 0) {
      throw ValidationError("tolerance must not be negative, got \(tolerance)")
    }
  }

  func run() throws {
    let difference = try WeightsDifference(
      Weights(contentsOf: first), Weights(contentsOf: second), tolerance: tolerance)
    for blob in difference.blobs where all || blob.difference != .same {
      print("layer '\(blob.layer)', blob \(blob.index): \(blob.difference)")
    }
    let count = difference.blobs.count { $0.difference != .same }
    print("\(count) of \(difference.blobs.count) blobs differ")
    if !difference.isSame { throw ExitCode(1) }
  }
}
