import CaffeErrors

/// The layer types a net may use, by their names in the prototxt.
public struct LayerCatalog: Sendable {
  /// In alphabetical order.
  public let kinds: [LayerKind]
  private let byType: [String: LayerKind]

  /// - Precondition: no type is listed twice.
  public init(_ kinds: [LayerKind]) {
    self.kinds = kinds.sorted { $0.type < $1.type }
    byType = Dictionary(uniqueKeysWithValues: kinds.map { ($0.type, $0) })
  }

  /// - Throws: a sentence with the nearest name, or all of them, when there is no such type.
  public func kind(_ type: String) throws -> LayerKind {
    if let kind = byType[type] { return kind }
    let names = kinds.map(\.type)
    let hint =
      NearestName.of(type, among: names).map { "; did you mean \"\($0)\"?" }
      ?? " (known types: \(names.joined(separator: ", ")))"
    throw CaffeError("Unknown layer type: \(type)\(hint)")
  }
}
