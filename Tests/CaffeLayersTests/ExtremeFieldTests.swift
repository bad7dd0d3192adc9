import CaffeCore
import CaffeErrors
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// Numbers at the ends of their types, one and two at a time, in the fields of each layer's own parameters: the
/// layer runs, or it is refused in a sentence that names it. Whatever traps ends the tests.
struct ExtremeFieldTests {
  static let numbers = [
    "0", "1", "2", "-1", "65536", "2147483647", "2147483648", "4294967295", "-2147483648",
  ]
  /// Those that read no files.
  static let types = ConformanceSubject.all.filter { !$0.value.settings.contains("source:") }.keys
    .filter { $0 != "HDF5Output" }.sorted()

  @Test(arguments: types) func noNumberTraps(_ type: String) throws {
    let subject = try #require(ConformanceSubject.all[type])
    var random = TestRandom(seed: 11)
    let fields = try Self.fields(of: type)
    let single = fields.flatMap { field in Self.numbers.map { [(field, $0)] } }
    let pairs = (0..<(fields.count > 1 ? 150 : 0)).map { _ in
      (0..<2).map { _ in
        (random.element(of: fields), random.element(of: Self.numbers))
      }
    }
    for changes in single + pairs where changes.first?.0.name != changes.dropFirst().first?.0.name {
      var settings = subject.settings
      for (field, number) in changes { settings = Self.setting(field, to: number, in: settings) }
      try Self.run("type: \"\(type)\" \(settings)", subject)
    }
  }

  private struct Field {
    let message: String
    let name: String
  }

  /// The whole numbers among the fields of the messages that the layer reads.
  private static func fields(of type: String) throws -> [Field] {
    try LayerCatalog.standard.kind(type).documentation.parameterFields.flatMap { message in
      let field = LayerParameter.descriptor.field(named: message)
      guard case .message(let descriptor)? = field?.type else { return [Field]() }
      return descriptor.fields.filter(\.isWhole).map { Field(message: message, name: $0.name) }
    }
  }

  /// In text, so that the reader's own bounds are met too.
  private static func setting(
    _ field: Field, to number: String, in settings: String
  ) -> String {
    let opening = field.message + " {"
    guard settings.contains(opening) else {
      return settings + " \(opening) \(field.name): \(number) }"
    }
    let words = settings.split(separator: " ")
    // A field and its value are two words.
    let others = words.indices.filter { index in
      words[index] != field.name + ":" && (index == 0 || words[index - 1] != field.name + ":")
    }
    return others.map { String(words[$0]) }.joined(separator: " ")
      .replacing(opening, with: "\(opening) \(field.name): \(number)")
  }

  private static func run(_ settings: String, _ subject: ConformanceSubject) throws {
    let test = LayerTestCase(
      settings, settings, subject.bottoms.map(\.shape), tops: subject.tops.count)
    do {
      let description = try NetParameter(text: test.text, file: "case")
      let plan = try NetPlan(
        description, context: LayerContext(phase: .train), catalog: .standard)
      let counts =
        plan.blobs.map(\.shape.count) + plan.parameters.map(\.declaration.shape.count)
      guard counts.reduce(0, +) < 1 << 20 else { return }
      let net = try test.net()
      try test.fill(
        net, subject.bottoms.map { $0.make(batchAxis: subject.batchAxis, more: 0).values })
      try net.forward()
      try net.backward()
    } catch let error as CaffeError {
      let text = "\(error)"
      #expect(text.hasPrefix("case:") && !text.contains("\n"), "\(settings): \(text)")
    }
  }
}

extension FieldDescriptor {
  fileprivate var isWhole: Bool {
    switch type {
    case .int32, .int64, .uint32, .uint64: true
    default: false
    }
  }
}

extension TestRandom {
  fileprivate mutating func element<Element>(of elements: [Element]) -> Element {
    elements[Int(next() % UInt64(elements.count))]
  }
}
