import CaffeTestSupport
import Testing

/// `debug_info: true` in a solver: of the train net where it is displayed, of test nets always.
@Suite struct DebugInfoTests {
  @Test func linesComeWhereCaffeHasThemAndChangeNothing() throws {
    let solver =
      "max_iter: 4 snapshot_prefix: \"tiny\" display: 2 iter_size: 2 test_iter: 3 test_interval: 4 "
      + "clip_gradients: 0.5 "
    let (quiet, chatty) = (
      try Workshop(solver: solver), try Workshop(solver: solver + "debug_info: true")
    )
    for shop in [quiet, chatty] {
      #expect(try shop.run("train", "--solver", "solver.prototxt").status == 0)
    }
    #expect(
      try quiet.folder.read("tiny_iter_4.caffemodel")
        == chatty.folder.read("tiny_iter_4.caffemodel"))
  }

  @Test(arguments: [("", 0, 0, 0), ("debug_info: true", 4, 2, 6)])
  func linesOfTheLossLayer(fields: String, passes: Int, updates: Int, tests: Int) throws {
    let shop = try Workshop(
      solver: "max_iter: 3 snapshot_prefix: \"tiny\" display: 2 iter_size: 2 test_iter: 3 "
        + "test_interval: 3 " + fields)
    let log = try shop.run("train", "--solver", "solver.prototxt").log
    func count<Output>(_ pattern: Regex<Output>) -> Int {
      log.filter { $0.wholeMatch(of: pattern) != nil }.count
    }
    // Iterations 0 and 2 are displayed, with two passes each; both tests have three batches.
    #expect(count(/[ ]{4}\[Forward\] Layer loss, top blob loss data: [\d.e-]+/) == passes + tests)
    #expect(count(/[ ]{4}\[Forward\] Layer ip, param blob 1 data: [\d.e-]+/) == passes + tests)
    #expect(count(/[ ]{4}\[Backward\] Layer loss, bottom blob ip diff: [\d.e-]+/) == passes)
    #expect(count(/[ ]{4}\[Backward\] Layer conv, param blob 0 diff: [\d.e-]+/) == passes)
    #expect(
      count(
        /[ ]{4}\[Backward\] All net params \(data, diff\): L1 norm = \(\S+, \S+\); L2 norm = \(\S+, \S+\)/
      ) == passes)
    #expect(
      count(/[ ]{4}\[Update\] Layer conv, param 0 data: [\d.e-]+; diff: [\d.e-]+/) == updates)
  }
}
