import CaffeSchema
import CaffeTestSupport
import Testing

/// Which layers a net's state lets in.
@Suite struct FilterTests {
  @Test(arguments: [
    ("", "", true),
    ("", "include { phase: TEST }", true),
    ("", "include { phase: TRAIN }", false),
    ("phase: TRAIN", "include { phase: TRAIN }", true),
    ("phase: TRAIN", "exclude { phase: TRAIN }", false),
    ("phase: TRAIN", "exclude { phase: TEST }", true),
    // Levels, both ends included.
    ("level: 2", "include { min_level: 2 }", true),
    ("level: 1", "include { min_level: 2 }", false),
    ("level: 2", "include { max_level: 2 }", true),
    ("level: 3", "include { max_level: 2 }", false),
    ("level: -1", "include { max_level: 0 }", true),
    ("", "include { min_level: 0 max_level: 0 }", true),
    // All stages, none of not_stage.
    ("stage: 'a' stage: 'b'", "include { stage: 'a' stage: 'b' }", true),
    ("stage: 'a'", "include { stage: 'a' stage: 'b' }", false),
    ("stage: 'a'", "include { not_stage: 'a' }", false),
    ("stage: 'a'", "include { not_stage: 'b' }", true),
    ("stage: 'a'", "include { stage: 'a' not_stage: 'b' not_stage: 'a' }", false),
    ("", "exclude { not_stage: 'a' }", false),
    // Any rule of several is enough.
    ("stage: 'b'", "include { stage: 'a' } include { stage: 'b' }", true),
    ("stage: 'b'", "exclude { stage: 'a' } exclude { stage: 'b' }", false),
    ("stage: 'c'", "exclude { stage: 'a' } exclude { stage: 'b' }", true),
    // Everything within one rule must hold.
    ("phase: TRAIN stage: 'a'", "include { phase: TEST stage: 'a' }", false),
    ("phase: TRAIN stage: 'a'", "exclude { phase: TEST stage: 'a' }", true),
  ])
  func rules(state: String, rule: String, isKept: Bool) throws {
    let net = try TestNet.parse("state { \(state) } layer { name: 'l' type: 'X' \(rule) }")
    #expect(try net.filtered().layer.count == (isKept ? 1 : 0))
  }

  @Test(arguments: [
    ("phase: TRAIN", "phase: TEST", "phase (0) differed from the phase (1)"),
    ("level: 1", "min_level: 2", "level (1) is below the min_level (2)"),
    ("level: 3", "max_level: 2", "level (3) is above the max_level (2)"),
    ("stage: 'a'", "stage: 'a' stage: 'b'", "did not contain stage 'b'"),
    ("stage: 'a'", "not_stage: 'b' not_stage: 'a'", "contained a not_stage 'a'"),
  ])
  func rulesThatAreNotMetAreTold(state: String, rule: String, reason: String) throws {
    for kind in ["include", "exclude"] {
      let net = try TestNet.parse("state { \(state) } layer { name: 'l' \(kind) { \(rule) } }")
      var notes: [String] = []
      _ = try net.filtered { notes.append($0) }
      #expect(notes == ["The NetState \(reason) specified by a rule in layer l"])
    }
  }

  @Test func bothKindsOfRuleAreRefused() throws {
    let net = try TestNet.parse(
      "layer { name: 'l' type: 'ReLU' include { min_level: 1 } exclude { min_level: 2 } }")
    #expect(
      refusal { _ = try net.filtered() }
        == "layer 'l' (ReLU), line 1: Specify either include rules or exclude rules; not both.")
  }

  @Test func layersGetTheStatesPhaseUnlessTheyHaveOne() throws {
    let net = try TestNet.parse(
      "state { phase: TRAIN } layer { name: 'a' } layer { name: 'b' phase: TEST }")
    #expect(try net.filtered().layer.map(\.phase) == [.train, .test])
  }
}
