import CaffeErrors

/// A drawing in SVG, made element by element.
package struct SVG {
  /// The colours that drawings share; a page knows them by these names when it turns them dark.
  package enum Paint {
    static let ground = "white"
    static let ink = "#333"
    static let faint = "#777"
    static let grid = "#e0e0e0"
    static let axis = "#999"
    static let blue = "#0072B2"
  }

  private let width: Double
  private let height: Double
  private var elements: [String] = []

  package init(width: Double, height: Double) {
    self.width = width
    self.height = height
    elements.append("<rect width=\"100%\" height=\"100%\" fill=\"\(Paint.ground)\"/>")
  }

  package enum Anchor: String { case start, middle, end }

  package mutating func text(
    _ text: String, x: Double, y: Double, size: Double = 12, anchor: Anchor = .start,
    color: String = Paint.ink, isBold: Bool = false
  ) {
    let weight = isBold ? " font-weight=\"bold\"" : ""
    elements.append(
      "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" font-size=\"\(Self.number(size))\" text-anchor=\"\(anchor.rawValue)\" fill=\"\(color)\"\(weight)>\(HTML(text: text).markup)</text>"
    )
  }

  /// A line through some points.
  package mutating func line(
    _ points: [(x: Double, y: Double)], color: String, width: Double = 1, opacity: Double = 1
  ) {
    elements.append(
      "<polyline points=\"\(Self.text(points))\" fill=\"none\" stroke=\"\(color)\" stroke-width=\"\(Self.number(width))\" stroke-opacity=\"\(Self.number(opacity))\" stroke-linejoin=\"round\"/>"
    )
  }

  /// A filled shape with a thin edge in the colour of the ground.
  package mutating func shape(
    _ points: [(x: Double, y: Double)], color: String, opacity: Double
  ) {
    elements.append(
      "<polygon points=\"\(Self.text(points))\" fill=\"\(color)\" fill-opacity=\"\(Self.number(opacity))\" stroke=\"\(Paint.ground)\" stroke-width=\"0.7\"/>"
    )
  }

  package mutating func dot(x: Double, y: Double, radius: Double, color: String) {
    elements.append(
      "<circle cx=\"\(Self.number(x))\" cy=\"\(Self.number(y))\" r=\"\(Self.number(radius))\" fill=\"\(color)\"/>"
    )
  }

  /// The whole file.
  package var document: String {
    let head =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(Self.number(width))\" height=\"\(Self.number(height))\" viewBox=\"0 0 \(Self.number(width)) \(Self.number(height))\" font-family=\"DejaVu Sans, Helvetica, Arial, sans-serif\">"
    return ([head] + elements + ["</svg>", ""]).joined(separator: "\n")
  }

  private static func text(_ points: [(x: Double, y: Double)]) -> String {
    points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
  }

  private static func number(_ value: Double) -> String {
    Text.number((value * 100).rounded() / 100)
  }
}
