import CaffeData
import CaffeErrors
import Foundation
import Testing

struct ChoiceFileTests {
  @Test func answersStayInTheFile() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/new/folder/choices.tsv"
    let file = try ChoiceFile(path)
    #expect(file.choice(for: "a b") == nil)
    #expect(try file.keep("x", for: "a b") == "x")
    #expect(try file.keep("y, z", for: "c") == "y, z")
    let again = try ChoiceFile(path)
    #expect(again.choice(for: "a b") == "x")
    #expect(again.choice(for: "c") == "y, z")
  }

  @Test func theFirstProcessToAnswerIsRight() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/choices.tsv"
    let (first, second) = (try ChoiceFile(path), try ChoiceFile(path))
    #expect(try first.keep("x", for: "k") == "x")
    #expect(try second.keep("y", for: "k") == "x")
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "k\tx\n")
  }

  @Test func linesThatAreNoAnswersArePassedOver() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      "choices.tsv", "# pinned by hand\nk\tx\nk\tlater\na\tb\tc\nhalf a li".utf8)
    let file = try ChoiceFile(path)
    #expect(file.choice(for: "k") == "x")
    #expect(file.choice(for: "a") == nil)
    #expect(try file.keep("y", for: "n") == "y")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text == "# pinned by hand\nk\tx\nk\tlater\na\tb\tc\nn\ty\n")
  }

  @Test func aFolderIsNoFile() throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: CaffeError.self) { try ChoiceFile(folder.path) }
    #expect("\(try #require(error))".hasPrefix(folder.path))
  }
}
