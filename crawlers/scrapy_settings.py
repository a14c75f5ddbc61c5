"""What Qingting tells Scrapy: every library default that would be impolite, unsafe or slow is overridden here."""

from __future__ import annotations

from scrapy.settings import Settings

from crawlers.pace import LOOPBACK_NAMES, SHORTEST_DELAY
from qingting.config import CrawlConfig

# A redirect chain that is longer than this is a loop or a tracker.
REDIRECTS = 5
# Answers that a second try may mend; never 403, 418 or 432, which mean "go away".
RETRY_CODES = (500, 502, 503, 504, 522, 524, 408, 429)
# On loopback nobody is disturbed, and the demo replays three weeks: no pause, and as many at once as Scrapy's default.
LOOPBACK_SLOT = {"delay": 0.0, "concurrency": 16, "jitter": 0.0}


def user_agent(contact: str) -> str:
    """Return the honest name under which Qingting asks, with where to complain."""
    return f"Qingting/0.1 (+{contact})" if contact else "Qingting/0.1"


def scrapy_settings(config: CrawlConfig) -> Settings:
    """Return Scrapy's settings for a crawl configuration."""
    delay = max(config.delay_seconds, SHORTEST_DELAY)
    return Settings(
        {
            "USER_AGENT": user_agent(config.contact),
            "ROBOTSTXT_OBEY": True,
            "DEFAULT_REQUEST_HEADERS": {"Accept": "*/*", "Accept-Language": "zh-CN,zh;q=0.9"},
            "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
            "CONCURRENT_ITEMS": 1,  # taking an item waits for nothing; Scrapy makes so many tasks for each answer
            "DOWNLOAD_DELAY": delay,
            "DOWNLOAD_DELAY_JITTER": 0.0,  # Scrapy's +-50 % would undercut the promised pause
            "DOWNLOAD_SLOTS": dict.fromkeys(LOOPBACK_NAMES, LOOPBACK_SLOT),
            "AUTOTHROTTLE_ENABLED": True,
            "AUTOTHROTTLE_START_DELAY": delay,
            "DOWNLOAD_VERIFY_CERTIFICATES": True,
            "DOWNLOAD_TIMEOUT": config.timeout_seconds,
            "DOWNLOAD_MAXSIZE": config.max_body_mib * 1024 * 1024,
            "DOWNLOAD_WARNSIZE": 0,
            "DOWNLOAD_HANDLERS": dict.fromkeys(("data", "file", "ftp", "s3")),
            "RETRY_TIMES": 2,
            "RETRY_GIVE_UP_LOG_LEVEL": "DEBUG",  # it becomes the source's health, or a reject
            "RETRY_HTTP_CODES": list(RETRY_CODES),
            "REDIRECT_MAX_TIMES": REDIRECTS,
            "METAREFRESH_ENABLED": False,
            "COOKIES_ENABLED": False,
            "HTTPPROXY_ENABLED": False,  # a proxy would resolve names itself, past our resolver
            "TELNETCONSOLE_ENABLED": False,
            "REMOTE_CONTROL_ENABLED": False,
            "REFERER_ENABLED": True,
            "LOG_ENABLED": False,
            "LOG_INSTALL_ROOT_HANDLER": False,
            "STATS_DUMP": False,
            "WARN_ON_GENERATOR_RETURN_VALUE": False,
            "DOWNLOADER_MIDDLEWARES": {
                "crawlers.addresses.AddressMiddleware": 10,
                "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
                "crawlers.politeness.RobotsMiddleware": 100,
                "crawlers.politeness.PaceMiddleware": 800,
            },
            "ITEM_PIPELINES": {"crawlers.recorder.StorePipeline": 300},
            "EXTENSIONS": {
                f"scrapy.extensions.{name}": None
                for name in (
                    "telnet.TelnetConsole",
                    "memusage.MemoryUsage",
                    "memdebug.MemoryDebugger",
                    "closespider.CloseSpider",
                    "feedexport.FeedExporter",
                    "logstats.LogStats",
                    "logcount.LogCount",
                    "spiderstate.SpiderState",
                    "remote_control.RemoteControl",
                )
            },
        }
    )
