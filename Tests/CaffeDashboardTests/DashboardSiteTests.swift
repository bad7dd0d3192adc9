import CaffeDashboard
import CaffeErrors
import CaffeInspect
import CaffeTestSupport
import Foundation
import Testing

/// What the dashboard answers.
@Suite struct DashboardSiteTests {
  private static let host = "127.0.0.1:8080"

  private static let start =
    #"{"kind":"start","net":"n<b>","iteration":0,"max_iter":9,"batch":1,"type":"SGD","seed":1}"#
    + "\n"

  private static func train(_ iteration: Int) -> String {
    #"{"kind":"train","iteration":\#(iteration),"loss":0.5,"outputs":{"loss":0.5},"lr":0.1,"seconds":1,"peak_mb":1}"#
      + "\n"
  }

  private func makeRun(_ folder: TemporaryFolder, _ name: String, _ text: String = start) throws {
    try FileManager.default.createDirectory(
      atPath: folder(name), withIntermediateDirectories: true)
    try folder.write(name + "/log.json", text)
  }

  @Test(arguments: [
    ("127.0.0.1:8080", 200), ("localhost", 200), ("LOCALHOST:1", 200), ("evil.example:8080", 403),
    ("127.0.0.1.evil.example", 403), ("", 403), (nil, 403),
  ])
  func onlyThisMachineIsAnswered(_ host: String?, _ status: Int) async throws {
    let folder = try TemporaryFolder()
    let site = try DashboardSite(folder.path)
    #expect(await site.answer(method: "GET", path: "/", host: host).status == status)
  }

  @Test(arguments: [
    "/x", "/runs", "/runs/", "/runs/b/", "/runs/../a/", "/runs/%2E%2E/", "/runs/a/parts/nothing",
    "/runs/a/log.json", "/runs/a/parts", "/parts/overview", "//", "", "/runs/%ff/",
  ])
  func thereIsNothingElse(_ path: String) async throws {
    let folder = try TemporaryFolder()
    try makeRun(folder, "a")
    let answer = try await DashboardSite(folder.path).answer(
      method: "GET", path: path, host: Self.host)
    #expect(answer.status == 404, "\(answer)")
  }

  @Test func pagesAreReadOnly() async throws {
    let folder = try TemporaryFolder()
    let site = try DashboardSite(folder.path)
    #expect(await site.answer(method: "POST", path: "/", host: Self.host).status == 405)
    let head = await site.answer(method: "HEAD", path: "/", host: Self.host)
    #expect(head.status == 200 && head.body.isEmpty)
    #expect(
      refusal { _ = try DashboardSite("/no/such") } == "/no/such: there is no such folder")
  }

  @Test func runsAreListedAsTheyBegin() async throws {
    let folder = try TemporaryFolder()
    let site = try DashboardSite(folder.path)
    func get(_ path: String) async -> DashboardSite.Answer {
      await site.answer(method: "GET", path: path, host: Self.host)
    }
    #expect(await get("/").body.contains("There is no run yet"))
    #expect(await get("/state").body == #"{"runs":1}"#)
    try makeRun(folder, "a <run>", Self.start + Self.train(3))
    let list = await get("/parts/runs").body
    #expect(list.contains("<a href=\"/runs/a%20%3Crun%3E/\">a &lt;run&gt;</a>"), "\(list)")
    #expect(list.contains("n&lt;b&gt;") && list.contains("3 of 9"))
    #expect(await get("/state").body == #"{"runs":2}"#)
    #expect(await get("/runs/a%20%3Crun%3E/").body.contains("Run a &lt;run&gt;</h1>"))
    #expect(await get("/runs/a%20%3Crun%3E/parts/overview").body.contains("3 of 9"))
  }

  @Test func partsChangeWithTheirFiles() async throws {
    let folder = try TemporaryFolder()
    try makeRun(folder, "a")
    let site = try DashboardSite(folder("a"))
    func get(_ path: String) async -> DashboardSite.Answer {
      await site.answer(method: "GET", path: path, host: Self.host)
    }
    #expect(await get("/").location == "/runs/a/")
    func state() async throws -> [String: Int] {
      try JSONDecoder().decode([String: Int].self, from: Data(await get("/runs/a/state").body.utf8))
    }
    let first = try await state()
    #expect(first.count == 9 && first.values.allSatisfy { $0 == 1 })
    #expect(try await state() == first)
    #expect(await get("/runs/a/parts/curves").body.contains("no iterations in it"))
    try folder.write("a/log.json", Self.start + Self.train(0) + Self.train(3))
    let second = try await state()
    #expect(second["curves"] == 2 && second["overview"] == 2 && second["solver"] == 1)
    #expect(await get("/runs/a/parts/curves").body.contains("<polyline"))
    let page = await get("/runs/a/").body
    #expect(
      page.contains("<script src=\"/live.js\" defer>") && page.contains("script-src &#39;self&#39;")
    )
    #expect(await get("/live.js").type == "text/javascript")
  }
}
