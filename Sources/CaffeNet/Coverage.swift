import CaffeCore
import CaffeErrors

/// The passes in which a net's data layers show every record once.
public struct Coverage: Sendable {
  public let records: Int
  public let batch: Int

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
      guard let records = try layer.recordCount(), let batch = layer.top[0].shape.dimensions.first
      else { continue }
      let coverage = Coverage(records: records, batch: batch)
      if let (first, name) = found, first.records != records || first.batch != batch {
        throw CaffeError(
          "layer '\(name)' has \(first.records) records in batches of \(first.batch), layer '\(layer.name)' \(records) in batches of \(batch): there is no one number of passes that covers both"
        )
      }
      found = (coverage, layer.name)
    }
    return found?.0
  }

  /// Runs forward over every record once, from the first one on, and returns the means over records.
  ///
  /// - Parameter each: is told the objective and the output values of each pass, and says whether to
  ///   go on.
  /// - Returns: `nil` if `each` has stopped it.
  /// - Throws: outputs with a value for each item, of which there is no mean over batches.
  public func score(
    over coverage: Coverage, each: (_ pass: Int, _ loss: Float, _ values: [Float]) throws -> Bool
  ) throws -> Means? {
    let outputShapes = outputs.map(\.blob.shape)
    defer { limitItems(nil) }
    try seek(toPass: 0)
    var means = Means()
    for pass in 0..<coverage.passes {
      let items = coverage.items(in: pass)
      limitItems(items == coverage.batch ? nil : items)
      let loss = try forward()
      for (output, shape) in zip(outputs, outputShapes) where output.blob.shape != shape {
        throw CaffeError(
          "output '\(output.blob.name)' has values for each item, and the last batch has fewer items: there is no mean over batches"
        )
      }
      let values = outputs.flatMap(\.blob.data.values)
      guard try each(pass, loss, values) else { return nil }
      means.add(loss: loss, values, weight: items)
    }
    return means
  }

  private func limitItems(_ limit: Int?) {
    for layer in layers { layer.itemLimit = limit }
  }
}
