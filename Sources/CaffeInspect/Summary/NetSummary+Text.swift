extension NetSummary {
  /// The table that `caffe-swift summary` prints: a line for each layer, one more for each further top,
  /// and the totals in sentences.
  package var lines: [String] {
    var table = Table([
      ("layer", .left), ("type", .left), ("output", .left), ("shape", .left),
      ("parameters", .right), ("multiply-adds", .right), ("memory", .right),
    ])
    for layer in layers {
      let figures = [
        Quantity.grouped(layer.parameters), Quantity.grouped(layer.multiplyAdds),
      ]
      guard let first = layer.tops.first else {
        table.add([layer.name, layer.type, "", ""] + figures + [""])
        continue
      }
      table.add([layer.name, layer.type] + Self.cells(first, figures))
      for top in layer.tops.dropFirst() { table.add(["", ""] + Self.cells(top, ["", ""])) }
    }
    return ["net '\(name)', phase \(phase)", ""] + table.lines + [""] + totals.lines
  }

  private static func cells(_ top: Top, _ figures: [String]) -> [String] {
    [top.name, Quantity.shape(top.shape)] + figures + [
      top.memory > 0 ? Quantity.bytes(top.memory) : "-"
    ]
  }
}

extension NetSummary.Totals {
  fileprivate var lines: [String] {
    let learned = parameters - fixedParameters
    return [
      "parameters: \(Quantity.grouped(parameters)) (\(Quantity.grouped(learned)) learned, \(Quantity.grouped(fixedParameters)) fixed), \(Quantity.bytes(parameterMemory))",
      "multiply-adds of a forward pass over the batch: \(Quantity.grouped(multiplyAdds)) (one is 2 FLOPs; products with learned weights only)",
      "blobs: \(Quantity.bytes(blobMemory)); training holds gradients too, of blobs and parameters, and the solver's history",
    ]
  }
}
