import ArgumentParser
import Caffe

struct ShowFilters: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show-filters",
    abstract: "Draw the filters of a convolution, the first one unless named, as one PNG.",
    discussion: """
      Examples: caffe-swift show-filters lenet_iter_4000.caffemodel.h5 filters.png
                caffe-swift show-filters net.caffemodel conv2.png --layer conv2

      Filters of one or three channels are a tile each; of others each channel is a tile, and a filter \
      is a row. The least weight becomes black, the largest white, in all tiles alike.
      """)

  @Argument(help: "The weights: .caffemodel or .caffemodel.h5.")
  var weights: String

  @Argument(help: "The picture to write.")
  var output: String

  @Option(help: "The layer.")
  var layer: String?

  @Option(help: "How many filters in a row.")
  var columns = 8

  @Option(help: "Pixels across and down of each weight; about 40 a filter if left out.")
  var zoom = 0

  func validate() throws {
    if columns < 1 || zoom < 0 {
      throw ValidationError(
        "columns must be positive and zoom not negative, got \(columns) and \(zoom)")
    }
  }

  func run() throws {
    let sheet = try withPlace(weights) {
      try FilterSheet(Weights(contentsOf: weights), layer: layer, columns: columns, zoom: zoom)
    }
    try ImageEncoder.encode(sheet.image, .png).withUnsafeBytes { try AtomicFile.write(output, $0) }
    print("\(output): layer '\(sheet.layer)', \(sheet.tileCount) tiles")
  }
}
