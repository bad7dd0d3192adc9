import ArgumentParser
import Caffe
import Logging

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Convert weights between binary protobuf and HDF5.",
    discussion: """
      Examples: caffe-swift export lenet_iter_4000.caffemodel lenet.caffemodel.h5
                caffe-swift export siamese.caffemodel.h5 siamese.caffemodel --model siamese.prototxt

      The output is HDF5 if its name ends in .h5, binary protobuf otherwise. Models of Caffe's old \
      formats (V0, V1) are read too; their blobs of four extents get today's shapes.

      In HDF5 a blob that layers share is in the first of them only, and nothing says where the others \
      get it from. A binary file has it in each of them, so making one takes the net (--model): the \
      output is then what a snapshot of the net would be, in either format.
      """)

  @Argument(help: "The weights to read.")
  var input: String

  @Argument(help: "The file to write; it appears only when it is complete.")
  var output: String

  @Option(
    help: ArgumentHelp(
      "The net of the weights.",
      discussion:
        "All its learned layers must be among them. Layers that it does not have are left out."))
  var model: String?

  @Option(help: "With --model, the net's phase: TRAIN or TEST.")
  var phase = Phase.train

  @OptionGroup var state: StateOptions

  func run() throws {
    if let model {
      try export(from: model)
    } else {
      let weights = try Weights(contentsOf: input)
      try weights.write(to: output)
      print("\(output): \(weights.layers.count) layers, \(weights.valueCount) values")
    }
  }

  private func export(from model: String) throws {
    let log = Logger(label: "caffe")
    var description = try NetParameter.read(model) { log.info("\($0)") }
    state.apply(to: &description, phase: phase)
    let net = try Net(description, context: LayerContext(phase: phase))
    try net.loadAllWeights(from: input) { log.warning("\($0)") }
    try net.saveWeights(to: output)
    let values = net.parameters.reduce(0) { $0 + $1.blob.count }
    print("\(output): \(net.layers.count) layers, \(values) values")
  }
}
