import CaffeTestSupport
import Foundation
import Testing

/// The commands that look at nets and runs: what they print, and how they exit.
@Suite struct LookingCommandTests {
  @Test func summaryIsATableOrJSON() throws {
    let shop = try Workshop()
    let table = try shop.run("summary", "net.prototxt", "--phase", "TEST")
    #expect(table.status == 0 && table.complaints.isEmpty, "\(table)")
    #expect(table.lines.first == "net 'tiny', phase TEST")
    #expect(table.output.contains("8×4×3×3"))
    let json = try shop.run("summary", "net.prototxt", "--json", "--shape", "data=2,1,5,5")
    #expect(json.lines.count == 1, "\(json)")
    let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    let totals = try #require(object?["totals"] as? [String: Int])
    #expect(totals["parameters"] == 151 && totals["multiply_adds"] == 2 * (36 * 9 + 36 * 3))
  }

  @Test func checkExitsWith1IfThereAreErrors() throws {
    let shop = try Workshop()
    let sound = try shop.run("check", "--solver", "solver.prototxt")
    #expect(sound.status == 0 && sound.output == "0 errors, 0 warnings\n", "\(sound)")
    try shop.folder.write(
      "bad.prototxt", "layer { name: 'a' type: 'Relu' }\nlayer { name: 'b' type: 'TanH' }\n")
    let bad = try shop.run("check", "bad.prototxt")
    #expect(bad.status == 1 && bad.errors.isEmpty && bad.lines.count == 3, "\(bad)")
    #expect(bad.lines.last == "2 errors, 0 warnings")
    #expect(try shop.run("check").status == 64)
    #expect(try shop.run("check", "none.prototxt").output.contains("File not found"))
  }
}
