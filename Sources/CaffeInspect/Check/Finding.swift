import CaffeErrors
import CaffeSchema

/// Something that `caffe-swift check` has to say about a file.
package struct Finding: Hashable, CustomStringConvertible {
  package enum Severity: String { case error, warning }

  package let severity: Severity
  package let file: String
  /// Counted from 1; `nil` if the house does not know it.
  package let line: Int?
  package let text: String

  package init(_ severity: Severity, file: String, line: Int?, _ text: String) {
    self.severity = severity
    self.file = file
    self.line = line
    self.text = text
  }

  /// About a layer: `layer 'pool1' (Pooling): …`.
  init(_ severity: Severity, _ layer: LayerParameter, file: String, _ text: String) {
    self.init(
      severity, file: layer.location?.file ?? file, line: layer.location?.line,
      "layer '\(layer.name)' (\(layer.type)): \(text)")
  }

  /// A mistake found by the text format's reader, whose first place is `file:line:column`.
  init(_ mistake: CaffeError, file: String) {
    let parts = mistake.places.first?.split(separator: ":").map(String.init) ?? []
    guard parts.count >= 3, let line = Int(parts[parts.count - 2]) else {
      self.init(.error, file: file, line: nil, Self.text(mistake, without: file))
      return
    }
    let rest = mistake.places.dropFirst() + [mistake.message]
    self.init(.error, file: file, line: line, rest.joined(separator: ": "))
  }

  private static func text(_ mistake: CaffeError, without file: String) -> String {
    let text = "\(mistake)"
    return text.hasPrefix(file + ": ") ? String(text.dropFirst(file.count + 2)) : text
  }

  /// `lenet.prototxt:14: error: layer 'conv1' (Convolution): kernel_size is missing`
  package var description: String {
    "\(file):\(line.map { "\($0):" } ?? "") \(severity.rawValue): \(text)"
  }
}
