import CaffeNet

/// A net as TensorFlow's `GraphDef`: a node for each layer, with the shapes of its tops.
enum NetGraph {
  static func message(of net: Net) -> WireMessage {
    var graph = WireMessage()
    /// The node that wrote a blob last, and as which of its tops.
    var sources: [String: String] = [:]
    for layer in net.layers {
      var node = WireMessage()
      let name = self.name(layer.name)
      node.add(1, name)
      node.add(2, layer.type)
      for bottom in layer.bottom { if let source = sources[bottom.name] { node.add(3, source) } }
      var shapes = WireMessage()
      for (index, top) in layer.top.enumerated() {
        sources[top.name] = index == 0 ? name : "\(name):\(index)"
        var shape = WireMessage()
        for dimension in top.shape.dimensions {
          var extent = WireMessage()
          extent.add(1, dimension)
          shape.add(2, extent)
        }
        shapes.add(7, shape)
      }
      node.add(5, attribute("_output_shapes", list: shapes))
      graph.add(1, node)
    }
    var version = WireMessage()
    version.add(1, 22)
    graph.add(4, version)
    return graph
  }

  /// An entry of the map `attr` whose value is a list.
  private static func attribute(_ key: String, list: WireMessage) -> WireMessage {
    var value = WireMessage()
    value.add(1, list)
    var entry = WireMessage()
    entry.add(1, key)
    entry.add(2, value)
    return entry
  }

  /// A colon would name an output of a node.
  private static func name(_ layer: String) -> String { layer.replacing(":", with: "_") }
}
