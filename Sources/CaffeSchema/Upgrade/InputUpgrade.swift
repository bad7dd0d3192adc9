import CaffeErrors

/// `input` with `input_shape` or `input_dim` becomes one Input layer, first in the net.
enum InputUpgrade {
  static func isNeeded(_ net: NetParameter) -> Bool { !net.input.isEmpty }

  /// - Throws: CaffeError if there is not a shape for each input.
  static func apply(_ net: NetParameter) throws -> (net: NetParameter, remarks: [String]) {
    var result = net
    var remarks: [String] = []
    if let shapes = try shapes(of: net) {
      var layer = LayerParameter()
      layer.name = "input"
      layer.type = "Input"
      layer.top = net.input
      layer.inputParam.shape = shapes
      result.layer.insert(layer, at: 0)
    } else {
      let names = net.input.map { "'\($0)'" }.joined(separator: ", ")
      remarks.append("Dropping input \(names): the net gives no input_shape and no input_dim")
    }
    result.clearInput()
    result.clearInputShape()
    result.clearInputDim()
    return (result, remarks)
  }

  /// One shape for each input, or nil if the net gives none at all. `input_shape` goes before
  /// `input_dim`, which holds four extents for each input. More than the inputs need is left out.
  private static func shapes(of net: NetParameter) throws -> [BlobShape]? {
    let inputs = net.input.count
    if !net.inputShape.isEmpty {
      guard net.inputShape.count >= inputs else {
        throw CaffeError("\(inputs) input need as many input_shape, got \(net.inputShape.count)")
      }
      return Array(net.inputShape.prefix(inputs))
    }
    guard !net.inputDim.isEmpty else { return nil }
    guard net.inputDim.count >= 4 * inputs else {
      throw CaffeError("\(inputs) input need \(4 * inputs) input_dim, got \(net.inputDim.count)")
    }
    return (0..<inputs).map { i in
      var shape = BlobShape()
      shape.dim = Array(net.inputDim[(4 * i)..<(4 * i + 4)])
      return shape
    }
  }
}
