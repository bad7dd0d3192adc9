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
    guard summary, let text = kind.documentation?.summary else { return kind.type }
    return Layers.padded(kind.type, to: 24) + " " + text
  }

  private func describe(_ kind: LayerKind) {
    print([kind.type, kind.documentation?.summary].compactMap { $0 }.joined(separator: ": "))
    if let formula = kind.documentation?.formula, !formula.isEmpty { print("  \(formula)") }
    print(
      "bottoms: \(kind.bottoms.text)\(kind.runsInPlace ? " (a top may have its bottom's name)" : "")"
    )
    print("tops: \(kind.tops.text)\(kind.isLoss ? " (a loss: loss_weight is 1 unless set)" : "")")
    for field in parameterFields(of: kind) {
      guard case .message(let message) = field.type else { continue }
      print("\(field.name) (\(message.name)):")
      for field in message.fields { print("  " + text(field)) }
    }
    if let source = kind.documentation?.source { print("source: BVLC Caffe, \(source)") }
  }

  /// The fields of a layer that the type reads; by the schema's habit `PoolingParameter` for Pooling.
  private func parameterFields(of kind: LayerKind) -> [FieldDescriptor] {
    guard let names = kind.documentation?.parameterFields else {
      return LayerParameter.descriptor.fields.filter { $0.type.name == kind.type + "Parameter" }
    }
    return names.compactMap(LayerParameter.descriptor.field(named:))
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
