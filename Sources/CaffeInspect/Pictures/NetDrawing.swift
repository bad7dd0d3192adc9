import CaffeCore
import CaffeData
import CaffeNet
import CaffeSchema
import Foundation

/// A net as a graph for Graphviz: a box for each layer, an arrow for each blob with its shape.
package struct NetDrawing {
  /// From which side data flows to the other.
  package enum Direction: String, CaseIterable {
    case down = "TB"
    case right = "LR"
  }

  /// The graph in Graphviz's language.
  package let dot: String

  package init(_ plan: NetPlan, direction: Direction = .down) {
    var lines = [
      "digraph net {",
      "  rankdir=\(direction.rawValue); nodesep=0.35; ranksep=0.4;",
      "  node [shape=box style=\"rounded,filled\" fontname=\"DejaVu Sans\" fontsize=11 color=\"#5f6368\" margin=\"0.16,0.07\"];",
      "  edge [fontname=\"DejaVu Sans\" fontsize=9 color=\"#5f6368\" fontcolor=\"#5f6368\" arrowsize=0.7];",
      "  label=\(Self.quoted("\(plan.parameter.name) (\(plan.parameter.state.phase.protoName))")); labelloc=t; fontname=\"DejaVu Sans Bold\"; fontsize=14;",
    ]
    /// Where the values of each blob come from: a layer and what the arrow from it says.
    var sources: [Int: (layer: Int, label: String)] = [:]
    for (index, layer) in plan.layers.enumerated() {
      if layer.isInsertedSplit {
        for top in layer.tops { sources[top] = sources[layer.bottoms[0]] }
        continue
      }
      lines.append(
        "  l\(index) [label=<\(Self.label(layer, index, plan))> fillcolor=\"\(Role(layer).color)\"];"
      )
      for bottom in layer.bottoms {
        guard let source = sources[bottom] else { continue }
        lines.append("  l\(source.layer) -> l\(index) [label=\(Self.quoted(source.label))];")
      }
      for top in layer.tops {
        let blob = plan.blobs[top]
        let shape = Quantity.shape(blob.shape.dimensions)
        // A blob is mostly called as its layer; its name is said where it is not.
        let isNamed = layer.tops.count > 1
        sources[top] = (index, isNamed ? " \(blob.name)\\n \(shape)" : " \(shape)")
      }
    }
    dot = (lines + ["}", ""]).joined(separator: "\n")
  }

  /// Draws the graph with Graphviz.
  ///
  /// - Throws: if Graphviz is not installed, or a file that cannot be written.
  package func write(to path: String) throws {
    let format = try DrawingFormat(path: path)
    try AtomicFile.write(path) { temporary in
      try ExternalTool.dot.run(
        ["-T\(format.rawValue)", "-Gdpi=\(format == .png ? 120 : 72)", "-o", temporary], input: dot)
    }
  }

  /// The drawing as SVG.
  ///
  /// - Throws: if Graphviz is not installed.
  package func svg() throws -> String {
    let path = NSTemporaryDirectory() + "caffe-swift-\(UUID().uuidString).svg"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try write(to: path)
    return String(
      decoding: try FileBytes.read(path, limit: FileBytes.largestText), as: UTF8.self)
  }

  private static func label(_ layer: PlannedLayer, _ index: Int, _ plan: NetPlan) -> String {
    let parameters = layer.parameters.filter { plan.parameters[$0].owner.layer == index }
      .reduce(0) { $0 + plan.parameters[$1].declaration.shape.count }
    var text = "<b>\(escaped(layer.parameter.name))</b><br/>\(escaped(layer.kind.type))"
    if parameters > 0 {
      text += "<br/><font point-size=\"9\">\(Quantity.short(parameters)) parameters</font>"
    }
    return text
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }

  /// A string of Graphviz's language, in which `\n` stays a line break.
  private static func quoted(_ text: String) -> String {
    "\"" + text.replacing("\"", with: "\\\"") + "\""
  }
}

/// What a layer is for, which its colour shows.
private enum Role {
  case data, learning, activation, other, loss, measure

  init(_ layer: PlannedLayer) {
    if layer.bottoms.isEmpty {
      self = .data
    } else if layer.kind.isLoss {
      self = .loss
    } else if layer.kind.isForwardOnly {
      self = .measure
    } else if !layer.parameters.isEmpty {
      self = .learning
    } else if layer.kind.runsInPlace {
      self = .activation
    } else {
      self = .other
    }
  }

  var color: String {
    switch self {
    case .data: "#c8e6c9"
    case .learning: "#bbdefb"
    case .activation: "#fff3c4"
    case .other: "#eceff1"
    case .loss: "#ffcdd2"
    case .measure: "#e1d5f0"
    }
  }
}
