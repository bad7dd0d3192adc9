import CaffeTestSupport
import Foundation
import Testing

/// `train --run`, `report` and `dashboard`, and what a browser makes of their pages.
@Suite struct ReportCommandTests {
  private static let fields =
    "max_iter: 4 display: 1 test_iter: 5 test_interval: 2 snapshot: 2 solver_mode: CPU"

  private func shop(_ fields: String = fields) throws -> Workshop {
    let shop = try Workshop(solver: fields)
    try shop.folder.write("classes.txt", "cat\ndog\n<fish>\n")
    return shop
  }

  @Test func aRunBecomesAPage() throws {
    let shop = try shop()
    let trained = try shop.run(
      "train", "--solver", "solver.prototxt", "--run", "runs/a", "--quiet",
      "--histogram-interval", "2")
    #expect(trained.status == 0 && trained.errors.isEmpty, "\(trained)")
    #expect(
      try shop.folder.names().filter { $0.hasPrefix("runs/a/") } == [
        "runs/a/histograms.json", "runs/a/log.json", "runs/a/machine.json",
        "runs/a/solver.prototxt",
      ])
    let again = try shop.run("train", "--solver", "solver.prototxt", "--run", "runs/a", "--quiet")
    #expect(again.status == 1 && again.errors.contains("runs/a/log.json: this exists already"))
    let report = try shop.run("report", "runs/a", "--labels", "classes.txt")
    #expect(report.status == 0 && report.output.hasPrefix("runs/a/report.html: "), "\(report)")
    let page = String(decoding: try shop.folder.read("runs/a/report.html"), as: UTF8.self)
    #expect(page.contains("&lt;fish&gt;") && !page.contains("<fish>"))
    #expect(!page.contains("Not here:") && page.contains("Confusion matrix"))
    // The run's paths are seen from where it was trained.
    let elsewhere = try TemporaryFolder()
    let far = try Run(["report", shop.folder("runs/a"), "far.html"], in: elsewhere).outcome()
    #expect(far.status == 0 && far.errors.isEmpty, "\(far)")
    #expect(
      !String(decoding: try elsewhere.read("far.html"), as: UTF8.self).contains("Not here:"))
  }

  @Test func aResumedRunGoesOnInItsFolder() throws {
    let shop = try shop()
    try shop.run("train", "--solver", "solver.prototxt", "--run", "r", "--quiet")
    let resumed = try shop.run(
      "train", "--solver", "solver.prototxt", "--run", "r", "--quiet", "--snapshot",
      "tiny_iter_2.solverstate")
    #expect(resumed.status == 0, "\(resumed)")
    let log = String(decoding: try shop.folder.read("r/log.json"), as: UTF8.self)
    #expect(log.ranges(of: "\"kind\":\"start\"").count == 2)
  }

  @Test func aLogAloneBecomesAPageThatSaysWhatIsMissing() throws {
    let shop = try shop()
    try shop.run("train", "--solver", "solver.prototxt", "--log-json", "run.json", "--quiet")
    let bare = try shop.run("report", "run.json")
    #expect(bare.status == 0 && bare.output.hasPrefix("report.html: "), "\(bare)")
    let page = String(decoding: try shop.folder.read("report.html"), as: UTF8.self)
    #expect(page.contains("Not here: a log does not hold the solver; give it with --solver."))
    try shop.run("report", "run.json", "full.html", "--solver", "solver.prototxt")
    let full = String(decoding: try shop.folder.read("full.html"), as: UTF8.self)
    #expect(full.contains("Rows are what it is") && full.ranges(of: "Not here:").count == 2)
    #expect(try shop.run("report", "none.json").status == 1)
    #expect(try shop.run("report", ".").errors.contains("no log.json in it"))
    #expect(try shop.run("report", "run.json", "--iterations", "0").status == 64)
    #expect(
      try shop.run("report", "run.json", "--labels", "net.prototxt", "--solver", "solver.prototxt")
        .status == 0)
  }

  @Test func theDashboardRefusesWhatItCannotServe() throws {
    let shop = try shop()
    #expect(
      try shop.run("dashboard", "nowhere").errors.contains("nowhere: there is no such folder"))
    #expect(try shop.run("dashboard", ".", "--port", "70000").status == 64)
    let first = try Run(["dashboard", "."], in: shop.folder)
    let port = try address(of: first).split(separator: ":").last?.dropLast() ?? ""
    let second = try shop.run("dashboard", ".", "--port", String(port))
    #expect(
      second.status == 1 && second.complaints.count == 1
        && second.errors.contains("127.0.0.1:\(port) cannot be had"), "\(second)")
  }

  /// The address that a dashboard prints once it listens.
  private func address(of dashboard: Run) throws -> String {
    let end = Date(timeIntervalSinceNow: 60)
    while true {
      if let match = try dashboard.output.firstMatch(of: /: (http:\S+)\n/) {
        return String(match.1)
      }
      guard dashboard.isRunning, Date() < end else {
        throw Mismatch("no address came: \(try dashboard.errors)")
      }
      usleep(2000)
    }
  }

  /// How many points the first training curve of a page has.
  private func points(_ page: String) throws -> Int {
    let curves = try #require(page.firstRange(of: "id=\"curves\"")).upperBound
    let line = try #require(
      page[curves...].firstMatch(of: /points="([^"]*)"[^>]*stroke-opacity="0.55"/))
    return line.1.split(separator: " ").count
  }

  private func checkPicture(_ name: String, in folder: TemporaryFolder) throws {
    let bytes = try folder.read(name)
    #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) && bytes.count > 20_000, "\(name)")
  }

  @Test func aBrowserShowsAReport() throws {
    guard let browser = Browser(for: "aBrowserShowsAReport") else { return }
    let shop = try shop()
    try shop.run("train", "--solver", "solver.prototxt", "--run", "r", "--quiet")
    try shop.run("report", "r")
    let page = try browser.open(
      "file://" + shop.folder("r/report.html"), seconds: 1, screenshot: shop.folder("page.png"))
    #expect(try points(page) == 4)
    #expect(page.contains("Worst mistakes</h2>"))
    try checkPicture("page.png", in: shop.folder)
  }

  /// A run that goes on while the page is open: the curve grows, and the page's own script has put newer
  /// parts into it than it was served with.
  @Test func aBrowserFollowsARun() throws {
    guard let browser = Browser(for: "aBrowserFollowsARun") else { return }
    let shop = try shop("max_iter: 1000000 display: 50 snapshot: 2000")
    try FileManager.default.createDirectory(
      atPath: shop.folder("runs"), withIntermediateDirectories: true)
    let dashboard = try Run(["dashboard", "runs"], in: shop.folder)
    let address = try address(of: dashboard)
    let training = try Run(
      ["train", "--solver", "solver.prototxt", "--run", "runs/a", "--quiet"], in: shop.folder)
    let end = Date(timeIntervalSinceNow: 60)
    while try !shop.folder.exists("runs/a/log.json")
      || shop.folder.read("runs/a/log.json").count < 2000
    {
      guard training.isRunning, Date() < end else { throw Mismatch(try training.errors) }
      usleep(2000)
    }
    var seen: [Int] = []
    for number in 0..<2 {
      let page = try browser.open(
        address + "runs/a/", seconds: 20, screenshot: shop.folder("live\(number).png"))
      #expect(page.contains("Live: this page follows what happens."))
      seen.append(try points(page))
      let curves = try #require(
        page.firstMatch(of: /id="curves"[^>]*data-version="(\d+)" data-shown="(\d+)"/))
      #expect((Int(curves.2) ?? 0) > (Int(curves.1) ?? 0))
      try checkPicture("live\(number).png", in: shop.folder)
    }
    #expect(seen[1] > seen[0] && seen[0] > 0, "\(seen)")
    training.send(SIGINT)
    #expect(try training.outcome().status == 0)
    dashboard.send(SIGTERM)
  }
}
