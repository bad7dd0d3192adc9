import CaffeCore
import CaffeErrors
import CaffeKernels
import Foundation
import Testing

struct SpeedChoicesTests {
  /// Answers in a dictionary.
  final class Memory: SpeedChoices.Memory {
    var choices: [String: String] = [:]
    var isFull = false

    func choice(for key: String) -> String? { choices[key] }

    func keep(_ choice: String, for key: String) throws -> String {
      if isFull { throw CaffeError("No space left on device") }
      choices[key] = choices[key] ?? choice
      return choices[key] ?? choice
    }
  }

  struct Nap: SpeedChoices.Trial {
    let milliseconds: UInt32

    func begin() {}
    func run() { usleep(1000 * milliseconds) }
  }

  /// Runs that take so many milliseconds.
  private func candidates(_ times: [(String, UInt32)]) -> [SpeedChoices.Candidate] {
    times.map { name, milliseconds in
      SpeedChoices.Candidate(name) { Nap(milliseconds: milliseconds) }
    }
  }

  @Test func theFastestIsRememberedUnderTheMachineAndTheKey() throws {
    let memory = Memory()
    let choices = SpeedChoices(machine: "here", memory: memory)
    let slowFirst = candidates([("slow", 20), ("fast", 1), ("slower", 40)])
    #expect(try choices.fastest(of: slowFirst, for: "k") == "fast")
    #expect(memory.choices == ["here k": "fast"])
    // What is known is not measured again.
    let other = candidates([("slow", 1), ("fast", 20)])
    #expect(try choices.fastest(of: other, for: "k") == "fast")
    #expect(try choices.fastest(of: other, for: "another") == "slow")
    let elsewhere = SpeedChoices(machine: "there", memory: memory)
    #expect(try elsewhere.fastest(of: other, for: "k") == "slow")
  }

  @Test func whatSomebodyElseAnsweredMeanwhileCounts() throws {
    final class Late: SpeedChoices.Memory {
      func choice(for key: String) -> String? { nil }
      func keep(_ choice: String, for key: String) -> String { "slow" }
    }
    let choices = SpeedChoices(machine: "here", memory: Late())
    #expect(try choices.fastest(of: candidates([("fast", 1), ("slow", 20)]), for: "k") == "slow")
  }

  @Test func whatMakesOtherLayersSlowerMustBeFasterByMore() throws {
    func nap(_ name: String, _ milliseconds: UInt32, share: Double) -> SpeedChoices.Candidate {
      SpeedChoices.Candidate(name, share: share) { Nap(milliseconds: milliseconds) }
    }
    let choices = SpeedChoices(machine: "here", memory: Memory())
    let costly = nap("costly", 20, share: 0.4)
    #expect(
      try choices.fastest(of: candidates([("rule", 40)]) + [costly], for: "k") == "rule")
    #expect(
      try choices.fastest(
        of: candidates([("rule", 40)]) + [costly, nap("other", 25, share: 0.95)], for: "l")
        == "other")
    #expect(
      try choices.fastest(of: candidates([("rule", 80)]) + [costly], for: "m") == "costly")
  }

  @Test func refusingCandidatesAreOutOfTheQuestion() throws {
    let refusing = SpeedChoices.Candidate("first") { throw EngineRefusal("not this one") }
    let choices = SpeedChoices(machine: "here", memory: Memory())
    let rest = candidates([("slow", 20), ("fast", 1)])
    #expect(try choices.fastest(of: [refusing] + rest, for: "k") == "fast")
  }

  @Test func withoutRoomToRememberTheFirstIsTaken() throws {
    let memory = Memory()
    memory.isFull = true
    var said: [String] = []
    let choices = SpeedChoices(machine: "here", memory: memory) { said.append($0) }
    let slowFirst = candidates([("slow", 20), ("fast", 1)])
    for _ in 0..<2 { #expect(try choices.fastest(of: slowFirst, for: "k") == "slow") }
    #expect(
      said == [
        "measured choices cannot be kept, the built-in rules decide: No space left on device"
      ])
  }

  @Test func anAnswerThatIsNoCandidateAnyMoreDoesNotCount() throws {
    let memory = Memory()
    memory.choices["here k"] = "gone"
    let choices = SpeedChoices(machine: "here", memory: memory)
    #expect(try choices.fastest(of: candidates([("rule", 20), ("fast", 1)]), for: "k") == "rule")
  }
}
