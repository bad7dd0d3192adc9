import CaffeCore
import CaffeData
import CaffeErrors
import CaffeNet
import CaffeSolver

/// Writes a run for TensorBoard: scalars of every record, and, every `interval` iterations, histograms
/// of weights, gradients and activations, the first filters and some inputs as images; the graph once.
package final class TensorBoardLog: RunSink {
  /// How many inputs are shown.
  private static let sampleCount = 16

  private let file: EventFile
  private let interval: Int

  /// - Parameter interval: iterations between two sets of histograms and images.
  package init(_ folder: String, solver: Solver, interval: Int) throws {
    precondition(interval > 0, "an interval of \(interval)")
    self.interval = interval
    file = try EventFile(in: folder)
    try file.write(graph: NetGraph.message(of: solver.net))
  }

  package func receive(_ record: RunRecord) throws {
    switch record {
    case .train(let record):
      var values = [("train/smoothed_loss", record.loss), ("lr", record.lr)]
      if let rate = record.imagesPerSecond { values.append(("speed/images_per_second", rate)) }
      if let wait = record.dataWait { values.append(("speed/data_wait", wait)) }
      values.append(("memory/peak_mb", Double(record.peakMb)))
      try write(record.iteration, values + Self.named(record.outputs, "train"))
    case .test(let record):
      try write(
        record.iteration, Self.named(record.outputs, record.net == 0 ? "test" : "test\(record.net)")
      )
    case .start, .snapshot: break
    }
  }

  private static func named(
    _ outputs: [String: OutputValues], _ group: String
  ) -> [(String, Double)] {
    outputs.sorted { $0.key < $1.key }.flatMap { name, output in
      output.values.enumerated().map { index, value in
        (output.values.count == 1 ? "\(group)/\(name)" : "\(group)/\(name)_\(index)", value)
      }
    }
  }

  private func write(_ step: Int, _ scalars: [(String, Double)]) throws {
    try file.write(step: step, scalars.map { (tag: $0.0, value: .scalar(Float($0.1))) })
  }

  package func observe(_ iteration: TrainingMoment, of solver: Solver) throws {
    guard iteration.iteration % interval == 0 else { return }
    try file.write(step: iteration.iteration, Self.histograms(of: solver.net))
    try file.write(step: iteration.iteration, Self.images(of: solver.net))
  }

  private static func histograms(of net: Net) -> [(tag: String, value: SummaryValue)] {
    var values: [(tag: String, value: SummaryValue)] = []
    for parameter in net.parameters {
      let name = parameter.fullName
      values.append(("weights/\(name)", .histogram(parameter.blob.data.values)))
      if parameter.learningRateMultiplier != 0 {
        values.append(("gradients/\(name)", .histogram(parameter.blob.diff.values)))
      }
    }
    for layer in net.layers where layer.type != "Split" {
      for top in layer.top where top.count > 1 {
        values.append(("activations/\(layer.name)/\(top.name)", .histogram(top.data.values)))
      }
    }
    return values
  }

  private static func images(of net: Net) throws -> [(tag: String, value: SummaryValue)] {
    var values: [(tag: String, value: SummaryValue)] = []
    let filters = net.parameters.first { parameter in
      parameter.blob.shape.axes == 4 && parameter.blob.shape.count(from: 2) > 1
    }
    if let filters {
      let sheet = try FilterSheet(
        filters.blob.data.values, shape: filters.blob.shape.dimensions, layer: filters.layer)
      values.append(("filters/\(filters.layer)", .image(sheet.image)))
    }
    if let inputs = net.pictures {
      let count = min(sampleCount, inputs.shape[0])
      let sheet = try ContactSheet.make(
        Array(inputs.data.values.prefix(count * inputs.shape.count(from: 1))), count: count,
        inputs.pictureExtents, columns: 8)
      values.append(("inputs/\(inputs.name)", .image(sheet)))
    }
    return values
  }
}

extension Net {
  /// The first blob of pictures, gray or in colours, that comes out of no other.
  var pictures: Blob? {
    layers.filter { $0.bottom.isEmpty }.flatMap(\.top)
      .first { $0.shape.axes == 4 && [1, 3].contains($0.shape[1]) && $0.count > 0 }
  }
}

extension Blob {
  /// The extents of each of `[n, channels, height, width]`.
  var pictureExtents: DataTransformer.Extents {
    DataTransformer.Extents(channels: shape[1], height: shape[2], width: shape[3])
  }
}
