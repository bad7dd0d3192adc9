import ArgumentParser
import Caffe

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Convert weights between binary protobuf and HDF5.",
    discussion: """
      Example: caffe-swift export lenet_iter_4000.caffemodel lenet.caffemodel.h5

      The output is HDF5 if its name ends in .h5, binary protobuf otherwise. Models of Caffe's old \
      formats (V0, V1) are read too.
      """)

  @Argument(help: "The weights to read.")
  var input: String

  @Argument(help: "The file to write; it appears only when it is complete.")
  var output: String

  func run() throws {
    let weights = try Weights(contentsOf: input)
    try weights.write(to: output)
    print("\(output): \(weights.layers.count) layers, \(weights.valueCount) values")
  }
}
