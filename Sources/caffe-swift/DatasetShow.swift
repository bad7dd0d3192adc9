import ArgumentParser
import Caffe

struct DatasetShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Draw what a net sees: its first images after all transformations, as one PNG.",
    discussion: """
      Examples: caffe-swift dataset show train_val.prototxt sheet.png --phase TRAIN
                caffe-swift dataset show train_lmdb sheet.png --count 100

      Takes a net, of which it runs the data layer, or a database. The least value becomes black, the \
      largest white, in all images alike. Prints the labels, a line for each row of images.
      """)

  @Argument(help: "A net (.prototxt) or a database.")
  var source: String

  @Argument(help: "The picture to write.")
  var output: String

  @Option(help: "TRAIN or TEST: which data layer of the net, and whether crops lie at random.")
  var phase = Phase.train

  @Option(help: "The data layer, if the net has several.")
  var layer: String?

  @Option(help: "How many images.")
  var count = 64

  @Option(help: "How many images in a row.")
  var columns = 8

  @Option(help: "Which random crops and mirrors.")
  var seed: UInt64 = 1

  @OptionGroup var state: StateOptions

  func validate() throws {
    if count < 1 || columns < 1 {
      throw ValidationError("count and columns must be positive, got \(count) and \(columns)")
    }
  }

  func run() throws {
    let net = try Net(description(), context: LayerContext(phase: phase, seed: seed))
    guard let data = net.layers.first else {
      throw CaffeError("there is no data layer in this phase", places: [source])
    }
    let samples = try Samples(of: data, in: net, count: count)
    let sheet = try withPlace(source) {
      try ContactSheet.make(
        samples.values, count: samples.count, samples.extents, columns: columns)
    }
    try ImageEncoder.encode(sheet, .png).withUnsafeBytes { try AtomicFile.write(output, $0) }
    for row in stride(from: 0, to: samples.labels.count, by: columns) {
      print(samples.labels[row..<min(row + columns, samples.labels.count)].joined(separator: " "))
    }
  }

  /// A net of the data layer alone.
  private func description() throws -> NetParameter {
    guard source.hasSuffix(".prototxt") else {
      _ = try DatabaseKind.open(source)
      var data = DataParameter()
      data.source = source
      data.batchSize = 1
      var layer = LayerParameter()
      layer.name = "data"
      layer.type = "Data"
      layer.top = ["data", "label"]
      layer.dataParam = data
      var net = NetParameter()
      net.layer = [layer]
      return net
    }
    var net = try NetParameter.read(source)
    state.apply(to: &net, phase: phase)
    net.layer = net.layer.filter {
      $0.bottom.isEmpty && !$0.top.isEmpty && (layer == nil || $0.name == layer)
    }
    return net
  }
}

/// The first items that a data layer gives.
private struct Samples {
  let count: Int
  let extents: DataTransformer.Extents
  private(set) var values: [Float] = []
  private(set) var labels: [String] = []

  init(of data: Layer, in net: Net, count wanted: Int) throws {
    guard let top = data.top.first, top.shape.axes == 4, top.count > 0 else {
      throw CaffeError("the data layer gives no images", places: [data.name])
    }
    extents = DataTransformer.Extents(
      channels: top.shape[1], height: top.shape[2], width: top.shape[3])
    count = wanted
    while values.count < wanted * extents.count {
      try net.forward()
      guard top.shape.count(from: 1) == extents.count else {
        throw CaffeError(
          "batches differ in extents: \(top.shape) after \(extents)", places: [data.name])
      }
      values += top.data.values
      if data.top.count > 1 { labels += Self.labels(data.top[1], items: top.shape[0]) }
    }
    values = Array(values.prefix(wanted * extents.count))
    labels = Array(labels.prefix(wanted))
  }

  /// The labels of each item as text; several with commas between.
  private static func labels(_ blob: Blob, items: Int) -> [String] {
    let each = blob.count / items
    let values = blob.data.values
    return (0..<items).map { item in
      values[item * each..<(item + 1) * each].map { Text.number($0) }.joined(separator: ",")
    }
  }
}
