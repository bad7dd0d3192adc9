import ArgumentParser
import Caffe

struct Layers: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the layer types, or describe one.",
    discussion: """
      Examples: caffe-swift layers
                caffe-swift layers Pooling

      Without a type: one type on each line, in alphabetical order.
      """)

  @Argument(help: "The type to describe, as in a prototxt.")
  var type: String?

  @Flag(help: "With the list, say what each type does.")
  var summary = false

  func run() throws {
    guard let type else {
      for kind in LayerCatalog.standard.kinds { print(line(kind)) }
      return
    }
    describe(try LayerCatalog.standard.kind(type))
  }

  private func line(_ kind: LayerKind) -> String {
    summary
      ? Layers.padded(kind.type, to: 24) + " " + kind.documentation.summary : kind.type
  }

  private func describe(_ kind: LayerKind) {
    let documentation = kind.documentation
    print("\(kind.type): \(documentation.summary)")
    if !documentation.formula.isEmpty { print("  \(documentation.formula)") }
    print(
      "bottoms: \(kind.bottoms.text)\(kind.runsInPlace ? " (a top may have its bottom's name)" : "")"
    )
    print("tops: \(kind.tops.text)\(kind.isLoss ? " (a loss: loss_weight is 1 unless set)" : "")")
    for field in documentation.parameterFields.compactMap(LayerParameter.descriptor.field(named:)) {
      guard case .message(let message) = field.type else { continue }
      print("\(field.name) (\(message.name)):")
      for field in message.fields { print("  " + text(field)) }
    }
    print("source: BVLC Caffe, \(documentation.source)")
  }

  /// `pool        PoolingParameter.PoolMethod = MAX (MAX, AVE, STOCHASTIC)`
  private func text(_ field: FieldDescriptor) -> String {
    var text = Layers.padded(field.name, to: 16) + " "
    if field.label != .optional { text += "\(field.label.rawValue) " }
    text += field.type.name
    if field.hasExplicitDefault, let value = field.defaultText { text += " = \(value)" }
    if case .enumeration(let type) = field.type {
      text += " (\(type.values.map(\.name).joined(separator: ", ")))"
    }
    return text
  }

  private static func padded(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
