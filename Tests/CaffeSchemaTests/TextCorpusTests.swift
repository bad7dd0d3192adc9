import CaffeErrors
import CaffeSchema
import Foundation
import Testing

/// Texts and what protoc 3.21.12 makes of them (Tests/Goldens/schema/text_corpus.json).
struct TextCorpusTests {
  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let message: String
    let text: String
    let accepted: Bool
    let binary: Data?
    let printed: String?

    var testDescription: String { "\(message): \(text.prefix(40))" }
  }

  static let cases: [Case] = {
    do {
      return try JSONDecoder().decode(
        [Case].self, from: Data(SchemaGoldens.bytes("schema/text_corpus.json")))
    } catch {
      Issue.record("\(error)")
      return []
    }
  }()

  private func parse(_ c: Case, _ type: MessageDescriptor) throws -> FieldStore {
    try FieldStore(text: Array(c.text.utf8), type: type, file: "corpus.prototxt")
  }

  @Test func thereAreCases() {
    #expect(Self.cases.count { $0.accepted } == 88)
    #expect(Self.cases.count { !$0.accepted } == 47)
  }

  @Test(arguments: cases)
  func readsWhatProtocReads(_ c: Case) throws {
    let type = try #require(MessageDescriptor.all.first { $0.name == c.message })
    guard c.accepted else {
      #expect(throws: CaffeError.self) { try parse(c, type) }
      return
    }
    let message = try parse(c, type)
    let binary = try #require(c.binary)
    let expected = try binary.withUnsafeBytes { try FieldStore(binary: $0, type: type) }
    if !c.text.lowercased().contains("nan") { #expect(message == expected) }
    #expect(message.text() == expected.text())
    #expect(try message.binary() == [UInt8](binary))
  }

  /// Numbers may print with other digits than protoc's fixed 6 or 9, but must be the same numbers.
  @Test(arguments: cases.filter(\.accepted))
  func printsAsProtocPrints(_ c: Case) throws {
    let type = try #require(MessageDescriptor.all.first { $0.name == c.message })
    let ours = try parse(c, type).text().split(separator: "\n")
    let theirs = try #require(c.printed).split(separator: "\n")
    #expect(ours.count == theirs.count)
    for (line, expected) in zip(ours, theirs) where line != expected {
      let value = line.split(separator: ": ").last.flatMap { Double($0) }
      let other = expected.split(separator: ": ").last.flatMap { Double($0) }
      let number = try #require(value, "\(line) is not \(expected)")
      #expect(Float(number) == other.map { Float($0) }, "\(line) is not \(expected)")
      #expect(line.count <= expected.count, "\(line) is longer than \(expected)")
    }
  }
}
