import CaffeCore
import CaffeErrors

/// The passes in which a data layer shows every record once.
public struct Coverage: Sendable, Equatable {
  public let records: Int
  public let batch: Int

  /// - Parameter top: the shape of the layer's first top.
  /// - Returns: `nil` for a layer that does not count its records.
  /// - Throws: records that cannot be counted.
  package init?(of layer: Layer, top: Shape?) throws {
    guard let records = try layer.recordCount(), let batch = top?.dimensions.first, batch > 0
    else { return nil }
    self.records = records
    self.batch = batch
  }

  /// The last pass has fewer items where the batch size does not divide the number of records.
  public var passes: Int { (records + batch - 1) / batch }

  func items(in pass: Int) -> Int { min(batch, records - pass * batch) }
}

extension Net {
  /// The passes that cover the records of the data layers; `nil` if none counts its records.
  ///
  /// - Throws: data layers that count differently, or records that cannot be counted.
  public func coverage() throws -> Coverage? {
    var found: (Coverage, layer: String)?
    for layer in layers {
      guard let coverage = try Coverage(of: layer, top: layer.top.first?.shape) else { continue }
      if let (first, name) = found, first != coverage {
        throw CaffeError(
          "layer '\(name)' has \(first.records) records in batches of \(first.batch), layer '\(layer.name)' \(coverage.records) in batches of \(coverage.batch): there is no one number of passes that covers both"
        )
      }
      found = (coverage, layer.name)
    }
    return found?.0
  }

  /// Runs forward a number of times and returns the means over the batches.
  ///
  /// - Parameters:
  ///   - coverage: the passes begin with the first record, show every record once, and the means are
  ///     over records. Without it they go on where the data layers are.
  ///   - goesOn: is asked before each pass.
  ///   - each: is told the number and the output values of each pass.
  /// - Returns: `nil` if `goesOn` has ended it.
  /// - Throws: with `coverage`, outputs with a value for each item, of which there is no mean;
  ///   what `goesOn` and `each` throw.
  public func score(
    passes: Int, covering coverage: Coverage? = nil, while goesOn: () throws -> Bool = { true },
    each: (_ pass: Int, _ values: [Float]) throws -> Void = { _, _ in }
  ) throws -> Means? {
    let shapes = outputs.map(\.blob.shape)
    defer { limitItems(nil) }
    if coverage != nil { try seek(toPass: 0) }
    var means = Means()
    for pass in 0..<passes {
      guard try goesOn() else { return nil }
      let items = coverage?.items(in: pass)
      limitItems(items)
      let loss = try forward()
      if coverage != nil { try checkOutputs(have: shapes) }
      try each(pass, outputValues)
      means.add(loss: loss, outputValues, weight: items ?? 1)
    }
    return means
  }

  private func limitItems(_ limit: Int?) {
    for layer in layers { layer.itemLimit = limit }
  }

  private func checkOutputs(have shapes: [Shape]) throws {
    for (output, shape) in zip(outputs, shapes) where output.blob.shape != shape {
      throw CaffeError(
        "output '\(output.blob.name)' has values for each item, and the last batch has fewer items: there is no mean over batches"
      )
    }
  }
}
